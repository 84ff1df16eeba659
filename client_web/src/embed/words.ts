/**
 * Every word that a visitor reads, by language.
 *
 * Rule: each language has every key; one that is missing does not compile. `{name}` is filled in.
 */

const EN = {
  page_title: "disio: lend computing time",
  title: "Lend some computing time?",
  asks: "{who} asks this computer to help with {purpose}.",
  this_page: "This page",
  some_purpose: "tasks that need many computers",
  work_from: "Work comes from {host}.",
  work_from_operator: "Work comes from {host}, run by {operator}.",
  task_first: "“{name}” comes first. It is {percent} % done.",
  task_paused: "“{name}” is paused just now. It comes first when it goes on; until then you help others.",
  task_done: "“{name}” is done. Thank you for coming!",
  task_ended: "“{name}” has ended. Thank you for coming!",
  task_unknown: "The task that you came for is not here, or not public.",
  help_others: "These can be helped instead; Start alone helps whatever is there:",
  help_which: "You can choose what comes first:",
  about_operator: "Purpose: {purpose}. Contact: {contact}.",
  box: "It runs in a sealed box without access to your files, to the network or to this page. Sent: results, the number of processor cores, and the name of this site. You can stop at any time.",
  what_is_computed: "What is computed here",
  share: "Use at most, of the processor",
  power: "About {from} to {to} W more, {from_kwh} to {to_kwh} kWh an hour.",
  remember: "Remember these choices for 30 days",
  no: "No thanks",
  start: "Start",
  small_title: "On this device, too?",
  small: "This looks like a phone, a tablet or a computer with little memory. Computing warms it and uses its battery and memory. It stays paused on battery unless you allow it.",
  start_anyway: "Start here",
  covered: "Something seems to cover this box. Please click again when all of it can be seen.",
  too_soon: "That was quick. Please read, and click again.",
  declined: "Fine. Nothing was started.",
  over: "Two hours are over, and computing has ended. Go on?",
  ended: "Stopped, and forgotten. Thank you for your help.",
  helping: "Helping: {task}",
  waiting: "Waiting for work",
  connecting: "Connecting",
  paused: "Paused",
  blocked: "Not possible here",
  stopped: "Stopped",
  percent: "{percent} %",
  details: "What runs now",
  running_now: "Running now",
  nothing: "nothing right now",
  code: "Code",
  for_whom: "For",
  units: "Units done",
  computed: "Computed",
  seconds: "{seconds} s",
  pause: "Pause",
  pause_hour: "Pause 1 hour",
  resume: "Resume",
  stop: "Stop & forget",
  shrink: "Hide details",
  allow_hidden: "Also while another tab is in front",
  allow_battery: "Also on battery",
  because_visitor: "Paused by you.",
  because_hour: "Paused by you until {time}.",
  because_page: "Paused by the page.",
  because_hidden: "Paused while this page is not in front.",
  because_unseen: "Paused while this box cannot be seen.",
  because_offline: "Paused while there is no network.",
  because_battery: "Paused while the computer runs on battery.",
  because_data: "Paused because this browser saves data.",
  because_pressure: "Paused while the processor is under pressure.",
  because_busy: "Paused for a moment: this page is busy.",
  because_tab: "Another tab of yours computes. This one goes on when that ends.",
};

export type Key = keyof typeof EN;

const DE: Record<Key, string> = {
  page_title: "disio: Rechenzeit spenden",
  title: "Etwas Rechenzeit spenden?",
  asks: "{who} bittet diesen Computer um Hilfe bei: {purpose}.",
  this_page: "Diese Seite",
  some_purpose: "Aufgaben, die viele Computer brauchen",
  work_from: "Die Arbeit kommt von {host}.",
  work_from_operator: "Die Arbeit kommt von {host}, betrieben von {operator}.",
  task_first: "„{name}“ kommt zuerst und ist zu {percent} % fertig.",
  task_paused: "„{name}“ ruht gerade. Es kommt zuerst, sobald es weitergeht; bis dahin helfen Sie anderen.",
  task_done: "„{name}“ ist fertig. Danke, dass Sie da sind!",
  task_ended: "„{name}“ ist beendet. Danke, dass Sie da sind!",
  task_unknown: "Die Aufgabe, zu der Sie wollten, ist nicht hier oder nicht öffentlich.",
  help_others: "Stattdessen können Sie diesen helfen; Starten allein hilft bei allem, was da ist:",
  help_which: "Was zuerst kommt, können Sie wählen:",
  about_operator: "Zweck: {purpose}. Kontakt: {contact}.",
  box: "Sie läuft abgeschottet, ohne Zugriff auf Ihre Dateien, das Netz oder diese Seite. Gesendet werden Ergebnisse, die Zahl der Prozessorkerne und der Name dieser Seite. Sie können jederzeit anhalten.",
  what_is_computed: "Was hier gerechnet wird",
  share: "Höchstens so viel vom Prozessor",
  power: "Etwa {from} bis {to} W mehr, {from_kwh} bis {to_kwh} kWh pro Stunde.",
  remember: "Diese Auswahl 30 Tage merken",
  no: "Nein danke",
  start: "Starten",
  small_title: "Auch auf diesem Gerät?",
  small: "Das scheint ein Telefon, ein Tablet oder ein Computer mit wenig Speicher zu sein. Rechnen erwärmt es und braucht Akku und Speicher. Im Akkubetrieb pausiert es, außer Sie erlauben es.",
  start_anyway: "Hier starten",
  covered: "Etwas scheint dieses Feld zu verdecken. Bitte klicken Sie noch einmal, wenn es ganz zu sehen ist.",
  too_soon: "Das ging schnell. Bitte lesen Sie, und klicken Sie noch einmal.",
  declined: "In Ordnung. Es wurde nichts gestartet.",
  over: "Zwei Stunden sind um, das Rechnen ist beendet. Weitermachen?",
  ended: "Beendet und vergessen. Danke für Ihre Hilfe.",
  helping: "Hilft bei: {task}",
  waiting: "Wartet auf Arbeit",
  connecting: "Verbindet",
  paused: "Pause",
  blocked: "Hier nicht möglich",
  stopped: "Beendet",
  percent: "{percent} %",
  details: "Was gerade läuft",
  running_now: "Läuft gerade",
  nothing: "gerade nichts",
  code: "Code",
  for_whom: "Für",
  units: "Einheiten fertig",
  computed: "Gerechnet",
  seconds: "{seconds} s",
  pause: "Pause",
  pause_hour: "1 Stunde Pause",
  resume: "Weiter",
  stop: "Beenden, vergessen",
  shrink: "Einzelheiten ausblenden",
  allow_hidden: "Auch wenn ein anderer Tab vorn ist",
  allow_battery: "Auch im Akkubetrieb",
  because_visitor: "Von Ihnen angehalten.",
  because_hour: "Von Ihnen angehalten bis {time}.",
  because_page: "Von der Seite angehalten.",
  because_hidden: "Pause, solange diese Seite nicht vorn ist.",
  because_unseen: "Pause, solange dieses Feld nicht zu sehen ist.",
  because_offline: "Pause, solange kein Netz da ist.",
  because_battery: "Pause, solange der Computer auf Akku läuft.",
  because_data: "Pause, weil dieser Browser Daten spart.",
  because_pressure: "Pause, solange der Prozessor stark belastet ist.",
  because_busy: "Kurze Pause: Diese Seite ist beschäftigt.",
  because_tab: "Ein anderer Tab rechnet. Dieser macht weiter, wenn jener endet.",
};

const TABLE: Record<string, Record<Key, string>> = { en: EN, de: DE };

/** The first language of these that there are words for; English when there is none. */
export function languageOf(wanted: readonly string[]): string {
  for (const tag of wanted) {
    const language = tag.toLowerCase().split("-")[0] ?? "";
    if (Object.hasOwn(TABLE, language)) return language;
  }
  return "en";
}

export class Words {
  constructor(readonly language: string) {}

  of(key: Key, values: Record<string, string> = {}): string {
    const text = (TABLE[this.language] ?? EN)[key];
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
  }

  number(value: number, digits = 0): string {
    return value.toLocaleString(this.language, { maximumFractionDigits: digits, minimumFractionDigits: digits });
  }

  /** With two digits that count. */
  rough(value: number): string {
    return value.toLocaleString(this.language, { maximumSignificantDigits: 2 });
  }

  time(date: Date): string {
    return date.toLocaleTimeString(this.language, { hour: "2-digit", minute: "2-digit" });
  }
}
