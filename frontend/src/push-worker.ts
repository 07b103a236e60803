// The service worker: shows what a push service brings, also when no page is open. It keeps nothing and answers no requests.
interface Told {
  title: string;
  body: string;
  lang: string;
  tag: string; // the same for the same notice, which is then shown once
}

interface Lasting extends Event {
  waitUntil(work: Promise<unknown>): void;
}

interface Pushed extends Lasting {
  data: { json(): Told } | null;
}

interface Clicked extends Lasting {
  notification: Notification;
}

interface Worker {
  registration: ServiceWorkerRegistration;
  clients: { openWindow(address: string): Promise<unknown> };
  addEventListener(type: "push", listener: (event: Pushed) => void): void;
  addEventListener(type: "notificationclick", listener: (event: Clicked) => void): void;
}

const worker = self as unknown as Worker;

worker.addEventListener("push", (event) => {
  if (!event.data) return;
  const { title, body, lang, tag } = event.data.json();
  event.waitUntil(worker.registration.showNotification(title, { body, lang, tag }));
});

worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(worker.clients.openWindow("/me"));
});

export {};
