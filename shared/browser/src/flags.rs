//! How the browser is started.

use std::path::Path;

use crate::settings::Settings;

/// What is switched off that a page could do without our leave, or that takes time and memory for nothing.
const FEATURES_OFF: &str = concat!(
    // One renderer for a page and all its frames: its requests are seen in one place, in half the memory. A page's renderer serves no other page.
    "--disable-features=IsolateOrigins,site-per-process,",
    // What was asked for is what is asked: no http made https.
    "HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,",
    // Connections of the browser's own.
    "MediaRouter,DialMediaRouteProvider,OptimizationHints,Translate,AutofillServerCommunication,CertificateTransparencyComponentUpdater,",
    "InterestFeedContentSuggestions,Prerender2,SpareRendererForSitePerProcess,",
    // Ways past a proxy.
    "WebRtcHideLocalIpsWithMdns,AsyncDns,DnsOverHttps"
);

/// The arguments of the browser's process.
pub(crate) fn flags(settings: &Settings, user_agent: &str, profile: &Path) -> Vec<String> {
    let mut flags: Vec<String> = [
        "--headless",
        // No port: nothing can speak to it but who holds the pipe. It ends when the pipe does.
        "--remote-debugging-pipe",
        // Whatever does not go through its page's own proxy goes nowhere: no name and no address has a way there, ...
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
        // ... and what belongs to no page has a proxy that is not there.
        "--proxy-server=http://127.0.0.1:1",
        "--proxy-bypass-list=<-loopback>",
        "--disable-quic",
        "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
        "--webrtc-ip-handling-policy=disable_non_proxied_udp",
        "--dns-prefetch-disable",
        "--no-pings",
        "--block-new-web-contents",
        "--disable-background-networking",
        "--disable-breakpad",
        "--disable-client-side-phishing-detection",
        "--disable-component-extensions-with-background-pages",
        "--disable-component-update",
        "--disable-crash-reporter",
        "--disable-default-apps",
        // /dev/shm is 64 MB in a container, and is not there on Lambda.
        "--disable-dev-shm-usage",
        "--disable-domain-reliability",
        "--disable-extensions",
        "--disable-gpu",
        "--disable-hang-monitor",
        "--disable-notifications",
        "--disable-popup-blocking",
        "--disable-prompt-on-repost",
        "--disable-site-isolation-trials",
        "--disable-sync",
        "--hide-scrollbars",
        "--js-flags=--max-old-space-size=512",
        "--log-level=3",
        "--metrics-recording-only",
        "--mute-audio",
        "--no-default-browser-check",
        "--no-first-run",
        "--no-service-autorun",
        "--password-store=basic",
        "--use-mock-keychain",
        "--window-size=1280,1024",
        FEATURES_OFF,
    ]
    .map(str::to_owned)
    .to_vec();
    if !settings.sandboxed {
        // Without a sandbox there is nothing for the zygote to prepare.
        flags.extend(["--no-sandbox", "--no-zygote"].map(str::to_owned));
    }
    flags.push(format!("--user-agent={user_agent}"));
    flags.push(format!("--user-data-dir={}", profile.display()));
    flags.push(format!("--disk-cache-dir={}", profile.join("cache").display()));
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_no_sandbox_only_where_it_was_said_and_never_one_process_or_a_port() {
        for sandboxed in [true, false] {
            let settings = Settings { sandboxed, ..Settings::of("chromium".into()) };
            let flags = flags(&settings, "Drover/1", Path::new("/tmp/profile"));
            assert_eq!(flags.contains(&"--no-sandbox".to_owned()), !sandboxed);
            assert!(flags.contains(&"--user-data-dir=/tmp/profile".to_owned()));
            assert!(!flags.iter().any(|flag| flag.starts_with("--single-process") || flag.contains("debugging-port")));
        }
    }
}
