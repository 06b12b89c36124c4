// How each browser is started without a window, on a page, with a profile of its own.
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const FIREFOX_PREFERENCES = {
  // Otherwise a page sees times in full milliseconds.
  "privacy.reduceTimerPrecision": false,
  // No pages, questions, downloads and processes but ours.
  "browser.aboutwelcome.enabled": false,
  "browser.preonboarding.enabled": false,
  "browser.safebrowsing.downloads.enabled": false,
  "browser.safebrowsing.malware.enabled": false,
  "browser.safebrowsing.phishing.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "browser.startup.homepage_override.mstone": "ignore",
  "browser.topsites.contile.enabled": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "dom.ipc.processPrelaunch.enabled": false,
  "app.normandy.enabled": false,
  "extensions.getAddons.cache.enabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "termsofuse.bypassNotification": true,
};

/** Client -> what starts it: {flags: of its command line, environment: what it has beside ours}. */
export const BROWSERS = {
  chromium: (profile, page) => ({
    flags: [
      ...["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0"],
      ...[`--user-data-dir=${profile}`, page],
    ],
    environment: {},
  }),
  firefox: (profile, page) => {
    const lines = Object.entries(FIREFOX_PREFERENCES).map((pair) => `user_pref(${pair.map((one) => JSON.stringify(one))});\n`);
    writeFileSync(join(profile, "user.js"), lines.join(""));
    return {
      flags: ["--headless", "--no-remote", "--profile", profile, page],
      // It writes to its user's home beside its profile, and refuses to run as root in another user's.
      environment: { HOME: profile, MOZ_CRASHREPORTER_DISABLE: "1" },
    };
  },
};
