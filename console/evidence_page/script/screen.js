// The screen: files in, a line per step out. Texts are only ever set as text, never as markup. --------------------------

const MARKS = { holds: "✓", fails: "✗", missing: "▲", waits: "–" };
const VERDICTS = {
  0: ["holds", "全部成立", "Everything holds"],
  1: ["fails", "不成立", "Does not hold"],
  3: ["missing", "已查部分成立，但有内容未能重算", "What was checked holds, but something was not recomputed"],
};
const LINE_NAMES = {
  prepayment: "季度预付款 prepayment", payable: "应付 payable", deduction: "核减 deduction", retention: "留存 retention",
  true_up: "清算 true-up", retention_release: "释放留存 retention released", interest: "逾期利息 interest",
  adjustment: "调整 adjustment", next_prepayment: "下季预付 next prepayment",
};

const element = (name, options = {}, ...children) => {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(options)) {
    if (key === "class") node.className = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null && child !== ""));
  return node;
};
const english = (text) => element("span", { class: "en", lang: "en" }, text);

class Screen {
  constructor() {
    this.files = { pack: null, trust: null };
    this.running = false;
    for (const name of ["pack", "trust"]) {
      const input = document.getElementById(name);
      input.addEventListener("change", () => this.take([...input.files], name));
    }
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      this.take([...event.dataTransfer.files], null);
    });
    document.getElementById("go").addEventListener("click", () => this.start());
    document.getElementById("print").addEventListener("click", () => window.print());
  }

  // Dropped files are told apart by their names' ends.
  take(files, name) {
    if (this.running) return;
    for (const file of files) {
      const place = name || (/\.json$/i.test(file.name) ? "trust" : "pack");
      this.files[place] = file;
      document.getElementById(`${place}-name`).textContent = `${file.name}（${file.size.toLocaleString("en")} bytes）`;
    }
    document.getElementById("go").disabled = !(this.files.pack && this.files.trust);
  }

  async start() {
    const { pack, trust } = this.files;
    this.running = true;
    document.getElementById("go").disabled = true;
    document.getElementById("report").hidden = true;
    document.documentElement.removeAttribute("data-exit");
    const bar = document.getElementById("progress");
    bar.hidden = false;
    const began = performance.now();
    const progress = (step, done, of) => {
      const [zh, en] = STEPS[step - 1];
      document.getElementById("doing").textContent = `第 ${step} 步 step ${step}：${zh} ${en}，${done} / ${of}`;
      document.getElementById("bar").value = step === 1 ? (0.3 * done) / of : 0.3 + (0.7 * done) / of;
    };
    try {
      const result = await verifyAside(pack, trust, progress);
      result.seconds = (performance.now() - began) / 1000;
      this.show(result);
    } catch (error) {
      document.getElementById("doing").textContent = `无法进行 cannot be done: ${error.message}`;
    }
    this.running = false;
    document.getElementById("go").disabled = false;
  }

  show(result) {
    document.getElementById("progress").hidden = true;
    const [kind, zh, en] = VERDICTS[result.exit];
    const banner = document.getElementById("banner");
    banner.className = kind;
    banner.replaceChildren(
      element("span", { class: "mark" }, MARKS[kind]),
      element("div", {}, element("strong", {}, zh), english(en), this.concerned(result)),
      element("span", { class: "exit" }, `退出码 exit ${result.exit}`),
    );
    document.getElementById("identity").replaceChildren(...this.identity(result));
    document.getElementById("steps").replaceChildren(...result.steps.map((step) => this.step(step)));
    const notes = result.notes.map((note) => element("li", {}, note));
    document.getElementById("notes").replaceChildren(...notes);
    this.table("rates", result.tables.rates, (row) => [
      row.phase, row.window, ...[...row.seconds, row.good, row.counted].map((n) => n.toLocaleString("en")), row.value,
    ]);
    this.table("amounts", result.tables.amounts, (row) => [row.phase, row.window, LINE_NAMES[row.kind] || row.kind, ...row.amount.map(grouped)]);
    document.getElementById("report").hidden = false;
    document.documentElement.setAttribute("data-exit", result.exit);
    last = result;
    banner.scrollIntoView({ block: "start" });
  }

  // The steps that a verdict other than 0 comes from.
  concerned({ exit, steps }) {
    const odd = steps.filter((step) => (exit === 1 ? step.count : exit === 3 && step.missing.length));
    return odd.length ? element("div", { class: "concerned" }, odd.map((step) => `${step.number} ${step.zh} ${step.en}`).join("；")) : "";
  }

  identity(result) {
    const { origin, contract, period, days, statement, reading, total } = result.identity;
    const { pack, trust } = this.files;
    const rows = [
      ["证据包", "pack", pack.name],
      ["信任文件", "trust", trust.name],
      ["来源", "origin", origin],
      ["合同", "contract", contract],
      ["期间", "period", period],
      ["日志", "log", days && `${days[0]} … ${days[1]}`],
      ["结算单", "statement", statement],
      ["口径", "reading", reading === "none" ? "按规则 by rules" : reading],
      ["本期收付合计", "total", total && `${grouped(total)} 元 yuan`],
      ["核验于", "checked", `${new Date().toLocaleString("sv")}（${result.seconds.toFixed(1)} s，本机时钟 this machine's clock）`],
    ];
    return rows.filter(([, , value]) => value).flatMap(([zh, en, value]) => [element("dt", {}, zh, english(en)), element("dd", {}, value)]);
  }

  step(step) {
    const kind = step.count ? "fails" : !step.reached ? "waits" : step.missing.length ? "missing" : "holds";
    const node = element(
      "li",
      { class: kind, "data-step": step.number },
      element("span", { class: "mark" }, MARKS[kind]),
      element("h3", {}, `${step.number} ${step.zh}`, english(step.en)),
      element("p", { class: "facts" }, step.reached ? step.facts.join("；") : "未查到此步 not reached"),
    );
    if (step.missing.length) {
      const rows = step.missing.map((text) => element("li", {}, `未重算 not recomputed：${text}`));
      node.append(element("ul", { class: "missing" }, ...rows));
    }
    if (step.failures.length) {
      const rows = step.failures.map(({ file, record, message }) =>
        element("li", {}, element("span", { class: "what" }, message), element("code", {}, [file, record].filter(Boolean).join("　"))),
      );
      if (step.count > rows.length) rows.push(element("li", {}, `另有 ${step.count - rows.length} 处 more`));
      const summary = element("summary", {}, `${step.count.toLocaleString("en")} 处不成立 ${step.count === 1 ? "finding" : "findings"}`);
      node.append(element("details", { open: "" }, summary, element("ol", {}, ...rows)));
    }
    return node;
  }

  table(name, rows, cells) {
    const body = rows.map((row) => element("tr", {}, ...cells(row).map((cell) => element("td", {}, String(cell)))));
    document.querySelector(`#${name} tbody`).replaceChildren(...body);
    document.getElementById(name).hidden = !rows.length;
  }
}

const grouped = (amount) => {
  const [, sign, yuanPart, fenPart] = /^(-?)([0-9]+)\.([0-9]+)$/.exec(amount);
  return `${sign ? "−" : ""}${yuanPart.replace(/\B(?=(?:[0-9]{3})+$)/g, ",")}.${fenPart}`;
};

let last = null;
