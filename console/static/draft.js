// What somebody typed is not lost when their session ends before they send it: kept in this tab alone, until they have
// signed in again as the same person, and put back into the form that it was typed into. Passwords and files are not kept.
"use strict";
(() => {
  const KEY = "camsla-draft", MOST = 100000;
  const read = () => { try { return JSON.parse(sessionStorage.getItem(KEY) || "null"); } catch { return null; } };
  const drop = () => { try { sessionStorage.removeItem(KEY); } catch { /* nothing is kept then */ } };
  const here = location.pathname + location.search;
  const person = () => { const found = document.querySelector(".top .person"); return found ? found.title : ""; };
  const kept = (field) => field.name && field.name !== "csrf" && !["password", "file", "hidden", "submit", "button"].includes(field.type);

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || !(form instanceof HTMLFormElement) || form.method !== "post" || !person()) return;
    const fields = [...form.elements].filter(kept).map((field) => [field.name, field.value, field.type === "checkbox" || field.type === "radio" ? field.checked : null]);
    if (!fields.length) return;
    const text = JSON.stringify({ page: here, action: form.getAttribute("action"), person: person(), fields });
    try { if (text.length <= MOST) sessionStorage.setItem(KEY, text); } catch { /* as before */ }
  });

  const draft = read();
  if (!draft) return;
  if (location.pathname.startsWith("/login")) {
    document.addEventListener("submit", (event) => {  // whoever else signs in is led to their own first page
      const { name, next } = event.target.elements;
      if (name && next && name.value.trim() === draft.person && next.value === "/") next.value = draft.page;
    });
    draft.signedOut = true;
    try { sessionStorage.setItem(KEY, JSON.stringify(draft)); } catch { /* as before */ }
    return;
  }
  drop();
  if (!draft.signedOut || draft.person !== person() || draft.page !== here) return;
  const form = [...document.querySelectorAll("form[method=post]")].find((one) => one.getAttribute("action") === draft.action);
  if (!form) return;
  for (const [name, value, checked] of draft.fields) {
    for (const field of [...form.elements].filter((one) => one.name === name && kept(one))) {
      if (checked === null) field.value = value;
      else if (field.value === value) field.checked = checked;
    }
  }
  const note = document.createElement("p");
  note.className = "notice plain";
  note.setAttribute("role", "status");
  note.textContent = document.documentElement.lang.startsWith("zh") ? "登录已过期，您先前填写的内容已放回表单，尚未提交；文件须重新选择。" : "Your session had ended. What you had typed is back in the form, and not sent yet; choose files again.";
  form.before(note);
})();
