//! A page's place in the browser: a context of its own, with its cookies, its way out and one tab.

use std::net::SocketAddr;

use futures::future::try_join_all;
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;
use url::Url;

use crate::cdp::{CdpError, Connection, Event, Session};
use crate::error::RenderFault;
use crate::options::RenderOptions;
use crate::process::Chromium;
use crate::visit::VisitError;

/// Our own world of scripts in the page: what the page's scripts have changed is not changed there.
const WORLD: &str = "drover";

/// One tab, in a context of its own. Dropped, both are gone with all that the page has left.
pub(crate) struct Tab {
    pub(crate) session: Session,
    /// The page's main frame.
    pub(crate) frame: String,
    _context: Context,
}

struct Context {
    connection: Connection,
    id: String,
}

impl Drop for Context {
    fn drop(&mut self) {
        self.connection.tell("Target.disposeBrowserContext", &json!({"browserContextId": self.id}));
    }
}

impl Tab {
    /// Opens one whose way out is the proxy at `way_out`, and gives what will happen in it.
    pub(crate) async fn open(
        chromium: &Chromium,
        way_out: SocketAddr,
        product: &str,
        url: &Url,
        options: &RenderOptions,
    ) -> Result<(Self, mpsc::Receiver<Event>), VisitError> {
        let connection = &chromium.connection;
        let context = json!({
            "disposeOnDetach": true, "proxyServer": format!("http://{way_out}"), "proxyBypassList": "<-loopback>"
        });
        let context = connection.command("Target.createBrowserContext", context).await?;
        let id = text_of(&context, "browserContextId")?;
        let context = Context { connection: connection.clone(), id: id.clone() };

        let no_downloads = json!({"behavior": "deny", "browserContextId": id});
        connection.command("Browser.setDownloadBehavior", no_downloads).await?;
        if !options.cookies.is_empty() {
            let cookie = |(name, value): (&String, &String)| json!({"name": name, "value": value, "url": url.as_str()});
            let cookies: Vec<Json> = options.cookies.iter().map(cookie).collect();
            let set = json!({"cookies": cookies, "browserContextId": id});
            connection.command("Storage.setCookies", set).await.map_err(|error| match error {
                CdpError::Refused(_) => VisitError::Page(RenderFault::Cookies.of(url)),
                CdpError::Gone => VisitError::BrokeDown,
            })?;
        }
        let target = json!({"url": "about:blank", "browserContextId": id});
        let frame = text_of(&connection.command("Target.createTarget", target).await?, "targetId")?;
        let attach = json!({"targetId": frame, "flatten": true});
        let session = text_of(&connection.command("Target.attachToTarget", attach).await?, "sessionId")?;
        let (session, events) = connection.session(session);
        let tab = Self { session, frame, _context: context };
        tab.prepare(&user_agent(chromium, product, options), options).await?;
        Ok((tab, events))
    }

    async fn prepare(&self, user_agent: &str, options: &RenderOptions) -> Result<(), CdpError> {
        // Every request stops before it is made, and every document besides when its answer's head is there.
        let patterns = json!([
            {"urlPattern": "*", "requestStage": "Request"},
            {"urlPattern": "*", "resourceType": "Document", "requestStage": "Response"},
        ]);
        let commands = [
            ("Inspector.enable", json!({})),
            ("Page.enable", json!({})),
            ("Page.setLifecycleEventsEnabled", json!({"enabled": true})),
            ("Emulation.setUserAgentOverride", json!({"userAgent": user_agent})),
            ("Emulation.setScriptExecutionDisabled", json!({"value": !options.javascript})),
            ("Fetch.enable", json!({"patterns": patterns})),
        ];
        try_join_all(commands.into_iter().map(|(method, params)| self.session.call(method, params))).await?;
        Ok(())
    }

    /// What an expression comes to in our own world of the page as it is now; an error also when the page has just gone on to another.
    pub(crate) async fn evaluate(&self, expression: &str) -> Result<Json, CdpError> {
        let world = json!({"frameId": self.frame, "worldName": WORLD});
        let world = self.session.call("Page.createIsolatedWorld", world).await?;
        let evaluate = json!({
            "expression": expression, "contextId": world["executionContextId"], "returnByValue": true, "silent": true
        });
        let mut answer = self.session.call("Runtime.evaluate", evaluate).await?;
        match answer["exceptionDetails"]["exception"]["className"].as_str() {
            Some(class) => Err(CdpError::Refused(class.to_owned())),
            None if answer["exceptionDetails"].is_object() => Err(CdpError::Refused("an exception".to_owned())),
            None => Ok(answer["result"]["value"].take()),
        }
    }
}

/// The browser's own, or the one that was asked for; and after it, whoever asked, ours: owners of sites are to know who fetches.
fn user_agent(chromium: &Chromium, product: &str, options: &RenderOptions) -> String {
    let asked = options.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("user-agent"));
    let own = || {
        let browser = &chromium.product;
        format!("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) {browser} Safari/537.36")
    };
    format!("{} {product}", asked.map_or_else(own, |(_, asked)| asked.clone()))
}

fn text_of(answer: &Json, name: &str) -> Result<String, CdpError> {
    answer[name].as_str().map(str::to_owned).ok_or(CdpError::Gone)
}
