"use strict";
// Makes the pages live: answers without a reload, quick exit, the card kept for when there is no connection.
// Nothing is stored: what was typed stands in this page and goes with it.
(() => {
  const one = (selector, root = document) => root.querySelector(selector);
  const page = document.body.dataset.page;
  const KEPT = "card-";
  document.documentElement.classList.add("live");

  // Leaving: the page is emptied first, so that nothing is seen while the other one loads.
  const leave = () => {
    const exit = one("#exit");
    const to = exit ? exit.href : "about:blank";
    document.body.replaceChildren();
    document.title = " ";
    forget();
    try {
      window.top.location.replace(to);
    } catch {
      location.replace(to);
    }
  };
  const forget = () => {
    if ("serviceWorker" in navigator) navigator.serviceWorker.getRegistrations().then((all) => all.forEach((r) => r.unregister()), () => {});
    if ("caches" in window) caches.keys().then((names) => names.filter((n) => n.startsWith(KEPT)).forEach((n) => caches.delete(n)), () => {});
  };
  let escapes = [];
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return void (escapes = []);
    escapes = [...escapes.filter((at) => event.timeStamp - at < 2000), event.timeStamp];
    if (escapes.length >= 3) leave();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("#exit")) return;
    event.preventDefault();
    leave();
  });

  // The card is kept once it was seen, here or as an answer.
  const keep = () => {
    if (!("serviceWorker" in navigator) || window.top !== window) return;
    const policy = window.trustedTypes ? trustedTypes.createPolicy("worker", { createScriptURL: () => "/worker.js" }) : null;
    navigator.serviceWorker.register(policy ? policy.createScriptURL("") : "/worker.js").catch(() => {});
  };
  let isKept = false;
  const keepOnce = () => {
    if (!isKept) keep();
    isKept = true;
  };

  const onCard = () => {
    keepOnce();
    const country = one("#country");
    const show = (code) => {
      const listed = code && one(`#in-${CSS.escape(code)}`);
      if (!listed) return;
      one("#number").replaceChildren(...listed.cloneNode(true).childNodes);
      const first = one("#number a");
      one("#call").href = first.href;
      one("#call b").textContent = one("#call b").textContent.replace(/\d[\d ]*/, first.textContent);
      one("#call small").textContent = "";
    };
    country.addEventListener("change", () => show(country.value));
    const asked = new URLSearchParams(location.search).get("country");
    if (asked && country.value !== asked.toUpperCase()) {
      country.value = asked.toUpperCase();
      show(country.value);
    }
    country.form.addEventListener("submit", (event) => {
      if (!country.value) return;
      event.preventDefault();
      show(country.value);
      one("#number").scrollIntoView({ block: "center" });
    });
  };

  const onChat = () => {
    const log = one("#log");
    let busy = false;

    const offline = (words, tapped) => {
      const box = one("#offline");
      one(".notice", box).textContent = words;
      box.querySelectorAll(".reply, .step").forEach((old) => old.remove());
      box.append(one("template", box).content.cloneNode(true));
      // The number that was named last is the one that fits.
      const last = [...log.querySelectorAll(".pointer")].pop();
      const first = one(".pointer", box);
      if (last && first) first.replaceChildren(...last.cloneNode(true).childNodes);
      box.hidden = false;
      box.scrollIntoView({ block: "start" });
      steps(box, tapped);
    };
    // The guided steps come out of the card, where it is kept; the one that was tapped is opened.
    const steps = (box, tapped) => {
      const request = new XMLHttpRequest();
      request.open("GET", `/emergency?language=${document.documentElement.lang}`);
      request.responseType = "document";
      request.onload = () => {
        if (!request.response || box.hidden || one(".step", box)) return;
        for (const step of request.response.querySelectorAll(".step")) {
          const ours = document.importNode(step, true);
          box.append(ours);
          ours.open = `/answer ${ours.id}` === tapped;
          if (ours.open) ours.scrollIntoView({ block: "start" });
        }
      };
      request.send();
    };
    // The card and the step that is being read stay until there is an answer.
    const away = () => {
      if (one("#offline").hidden) offline(said("offline"));
      else one("#offline .notice").textContent = said("offline");
    };
    const online = () => {
      one("#offline .notice").textContent = "";
    };
    const said = (name) => one("#offline template").dataset[name];

    // The parts that an answer brings take the place of ours; what is being typed stays.
    const take = (brought) => {
      const typed = one("#text").value;
      const isTyping = document.activeElement?.id === "text";
      document.documentElement.lang = brought.documentElement.lang;
      for (const part of [...brought.querySelectorAll("[data-part]")]) {
        const ours = document.getElementById(part.id);
        if (ours && part.isConnected) ours.replaceWith(document.importNode(part, true));
      }
      one("#text").value = typed;
      if (isTyping) one("#text").focus({ preventScroll: true });
      const told = one("#told", brought);
      if (told) {
        one("[name=country]").value = told.dataset.country;
        one("[name=audience]").value = told.dataset.audience;
      }
    };

    const show = (brought, mine, tapped) => {
      take(brought);
      const reply = one("#reply", brought);
      if (!reply) {
        // Settings: the talk may have no topic to answer anew, and what was answered is still needed.
        if (!log.firstElementChild) one("#main").scrollIntoView({ block: "start" });
        return;
      }
      log.querySelectorAll(".choices").forEach((old) => old.remove());
      log.querySelectorAll("#reply").forEach((old) => old.removeAttribute("id"));
      const whole = document.importNode(reply, true);
      log.append(whole);
      if (whole.classList.contains("emergency")) keepOnce();
      const grave = !whole.classList.contains("none");
      (mine && !grave ? mine : whole).scrollIntoView({ block: "start" });
      if (tapped) whole.focus({ preventScroll: true });
    };

    const send = (form, button) => {
      if (busy) return;
      const data = new FormData(form);
      const typed = one("#text").value;
      if (button && button.name) data.set(button.name, button.value);
      const words = button && button.name === "send" ? button.textContent : button && button.name === "apply" ? "" : typed;
      if (!button?.name && !typed.trim()) return void one("#text").focus();
      busy = true;
      let mine = null;
      if (words.trim()) {
        mine = document.createElement("p");
        mine.className = "mine";
        const who = document.createElement("span");
        who.className = "unseen";
        who.textContent = `${form.dataset.you}: `;
        mine.append(who, words.trim());
        log.append(mine);
      }
      const wait = document.createElement("p");
      wait.className = "wait";
      wait.textContent = form.dataset.waiting;
      log.append(wait);
      (mine || wait).scrollIntoView({ block: "nearest" });
      if (!button?.name) one("#text").value = "";
      // On a phone the keyboard would hide the answer.
      if (matchMedia("(pointer: coarse)").matches) document.activeElement.blur();
      const request = new XMLHttpRequest();
      request.open("POST", form.action);
      request.responseType = "document";
      request.timeout = 15000;
      request.setRequestHeader("Accept", "text/html");
      request.setRequestHeader("X-Part", "reply");
      request.onloadend = () => {
        busy = false;
        wait.remove();
        const brought = request.response;
        if (brought && one("#state", brought)) {
          online();
          one("#offline").hidden = true;
          show(brought, mine, Boolean(button?.name));
          return;
        }
        mine?.remove();
        if (!button?.name && !one("#text").value) one("#text").value = typed;
        const lost = request.status === 0;
        offline(lost && !navigator.onLine ? said("offline") : said("failed"), button?.value);
      };
      request.send(new URLSearchParams(data));
    };

    // Browsers of some years ago do not tell which button it was, nor let a form be sent by another way than one.
    let clicked = null;
    document.addEventListener("click", (event) => {
      clicked = event.target.closest("button");
    });
    document.addEventListener("submit", (event) => {
      if (event.target.id !== "talk") return;
      event.preventDefault();
      send(event.target, clicked);
    });
    // What is picked by a tap takes effect at once. Keys choose something with each letter or step, mostly on the way to
    // another: there the button says that it is meant.
    let keyed = null;
    document.addEventListener("keydown", (event) => {
      keyed = event.target.closest(".settings select");
    });
    for (const touch of ["touchstart", "mousedown"]) document.addEventListener(touch, () => void (keyed = null), { passive: true });
    document.addEventListener("change", (event) => {
      if (event.target.closest(".settings") && event.target !== keyed) one("[name=apply]").click();
    });
    document.addEventListener("keydown", (event) => {
      if (event.target.id !== "text" || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      one(".send").click();
    });
    addEventListener("offline", away);
    addEventListener("online", online);
    if (!navigator.onLine) offline(said("offline"));
    if (one("#reply.emergency")) keepOnce();
  };

  if (page === "chat") onChat();
  if (page === "card") onCard();
})();
