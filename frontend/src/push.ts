// Lets somebody be told on this device. The form is in the page, hidden, where the deployment has web push; it is shown only
// where the browser has it too, and sent like any other form once the browser has subscribed.
export function startPush(): void {
  const form = document.querySelector<HTMLFormElement>("form[data-push-key]");
  if (!form || !("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) return;
  form.hidden = false;
  void offerToStop(form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const stops = event.submitter?.dataset.push === "stop";
    (stops ? stop(form) : start(form)).catch(() => {
      form.querySelector<HTMLElement>("[data-push-refused]")!.hidden = false;
    });
  });
}

async function known(): Promise<PushSubscription | null> {
  const worker = await navigator.serviceWorker.getRegistration();
  return worker ? worker.pushManager.getSubscription() : null;
}

async function offerToStop(form: HTMLFormElement): Promise<void> {
  if (await known()) form.querySelector<HTMLElement>("[data-push=stop]")!.hidden = false;
}

async function start(form: HTMLFormElement): Promise<void> {
  if ((await Notification.requestPermission()) !== "granted") throw new Error("not allowed");
  await navigator.serviceWorker.register("/push.js");
  const { pushManager } = await navigator.serviceWorker.ready;
  const options = { userVisibleOnly: true, applicationServerKey: form.dataset.pushKey! };
  let subscription: PushSubscription;
  try {
    subscription = await pushManager.subscribe(options);
  } catch (error) {
    // Subscribed with the key that the deployment had before: begin anew.
    const old = await pushManager.getSubscription();
    if (!old) throw error;
    await old.unsubscribe();
    subscription = await pushManager.subscribe(options);
  }
  send(form, "start", subscription);
}

async function stop(form: HTMLFormElement): Promise<void> {
  const subscription = await known();
  if (!subscription) throw new Error("not subscribed");
  await subscription.unsubscribe();
  send(form, "stop", subscription);
}

function send(form: HTMLFormElement, act: string, subscription: PushSubscription): void {
  form.querySelector<HTMLInputElement>("[name=act]")!.value = act;
  form.querySelector<HTMLInputElement>("[name=subscription]")!.value = JSON.stringify(subscription);
  form.submit();
}
