// Everything works without this file. With it, a failed form moves the focus to its summary and a second,
// hurried tap on a button does not send the form again (the server would give the same answer anyway); the page of
// results loads no more than it needs, and a device can be told of what changes.
import { Button, createAll, ErrorSummary, NotificationBanner } from "govuk-frontend";
import { startPush } from "./push";
import { startResults } from "./results";

document.body.classList.add("js-enabled", "govuk-frontend-supported");
createAll(ErrorSummary);
createAll(NotificationBanner);
createAll(Button, { preventDoubleClick: true });
startResults();
startPush();
