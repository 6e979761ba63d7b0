// Where the work runs: in a worker made of this script's own text, or, if the browser allows none, in slices here. ------

const verify = async (pack, trust, progress) => new Verification(pack, await trust.text(), progress).verify();

const verifyHere = (pack, trust, progress) =>
  verify(pack, trust, (...at) => {
    progress(...at);
    return new Promise((done) => setTimeout(done));
  });

const verifyAside = (pack, trust, progress) =>
  new Promise((done, failed) => {
    let worker;
    const here = () => verifyHere(pack, trust, progress).then(done, failed);
    try {
      worker = new Worker(URL.createObjectURL(new Blob([SOURCE], { type: "text/javascript" })));
    } catch {
      here();
      return;
    }
    let heard = false;
    worker.onmessage = ({ data }) => {
      heard = true;
      if (data.progress) progress(...data.progress);
      if (data.result || data.error) worker.terminate();
      if (data.result) done(data.result);
      if (data.error) failed(new Error(data.error));
    };
    worker.onerror = (event) => {
      worker.terminate();
      if (heard) failed(new Error(event.message || "worker"));
      else here();
    };
    worker.postMessage({ pack, trust });
  });

const inWorker = () => {
  self.onmessage = async ({ data: { pack, trust } }) => {
    try {
      self.postMessage({ result: await verify(pack, trust, async (...progress) => self.postMessage({ progress })) });
    } catch (error) {
      self.postMessage({ error: error.message });
    }
  };
};

const SOURCE = typeof document === "undefined" ? "" : document.currentScript.textContent;
if (typeof document === "undefined") inWorker();
else {
  new Screen();
  // For tests, which ask the page in a browser what they asked the other reader.
  window.camsla = Object.freeze({
    sha256Hex, sha512, newSm3, signedBy, inflate, crc32, parseLine, parseDocument, canonical, hexOf, utf8, bytesOfHex,
    bytesOfBase64, Zone, settle, notRecomputed, documentDifferences, verifyHere, result: () => last,
  });
}
