//! The console, as a browser sees it: with its cookies, and nothing else of a browser's.

use anyhow::{Context, ensure};
use api::identity::{Identity, Sessions};
use parameters::Parameters;
use reqwest::{Method, RequestBuilder, redirect};
use secrets::{Password, Passwords};
use table::Clock;

use crate::answer::Answer;
use crate::stack::Stack;
use crate::user::{User, any_loopback_address};

/// A browser with the console's cookies, at an address of its own. It follows no redirect.
#[derive(Clone, Debug)]
pub struct Console {
    /// The user who is signed in; nobody where it is empty.
    pub user: String,
    /// Their address, by which the audit log names them.
    pub email: String,
    /// The cookies, as they are sent.
    pub cookies: String,
    /// What forms repeat.
    pub csrf: String,
    /// The base URL of all APIs.
    pub url: String,
    /// What calls from the browser's address.
    pub client: reqwest::Client,
}

impl Stack {
    /// A browser in which nobody is signed in.
    pub fn console_of_nobody(&self) -> anyhow::Result<Console> {
        let client = reqwest::Client::builder()
            .local_address(any_loopback_address())
            .redirect(redirect::Policy::none())
            .timeout(std::time::Duration::from_secs(40))
            .build()?;
        let (user, email, cookies, csrf) = (String::new(), String::new(), String::new(), String::new());
        Ok(Console { user, email, cookies, csrf, url: self.url.clone(), client })
    }

    /// A browser in which a new operator is signed in.
    pub async fn console(&self) -> anyhow::Result<Console> {
        self.console_of(&self.operating_user().await?).await
    }

    /// A browser in which a user is signed in, as if the console had let them in.
    pub async fn console_of(&self, user: &User) -> anyhow::Result<Console> {
        self.console_as(&user.id).await
    }

    /// The same with the id of a user.
    pub async fn console_as(&self, user: &str) -> anyhow::Result<Console> {
        let keys = Parameters::new(&self.config, format!("/{}/console-sessions", self.name));
        let (session, token) = Sessions::before("console", keys, Clock::system()).issue(user).await?;
        let (cookies, csrf) = (format!("__Host-console={token}"), session.csrf);
        let email = format!("{user}@example.com");
        Ok(Console { user: user.to_owned(), email, cookies, csrf, ..self.console_of_nobody()? })
    }

    /// Lets an operator sign in with a password.
    pub async fn set_console_password(&self, user: &User, password: &str) -> anyhow::Result<()> {
        let identity = Identity::new(self.table("identity"), Clock::system());
        let found = identity.find_user(&user.id).await?.context("no user")?;
        let hash = Passwords::new()?.hash(&Password::given(password)).await?;
        Ok(identity.set_password(&found, hash).await?)
    }
}

impl Console {
    /// A request with the cookies.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}/console{path}", self.url));
        if self.cookies.is_empty() { request } else { request.header("cookie", &self.cookies) }
    }

    /// Asks for a page, and gives whatever is answered.
    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        Answer::of(self.request(Method::GET, path).send().await?).await
    }

    /// A page that must be there.
    pub async fn page(&self, path: &str) -> anyhow::Result<String> {
        let answer = self.get(path).await?;
        ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.text()?);
        Ok(answer.text()?.to_owned())
    }

    /// Sends a form of the console's, as a browser does, with these fields beside the one that it repeats.
    pub async fn send(&self, path: &str, fields: &[(&str, &str)]) -> anyhow::Result<Answer> {
        let fields = fields.iter().copied().chain([("csrf", self.csrf.as_str())]).collect::<Vec<_>>();
        Answer::of(self.form(path, &fields).send().await?).await
    }

    /// A form with these fields and no other.
    pub fn form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        self.form_from("same-origin", path, fields)
    }

    /// A form that a browser says comes from such a site: `same-origin`, `cross-site`.
    pub fn form_from(&self, site: &str, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.request(Method::POST, path).header("content-type", "application/x-www-form-urlencoded");
        request.header("sec-fetch-site", site).body(body)
    }

    /// Sends a form, which must do what is asked for: the page that tells so.
    pub async fn done(&self, path: &str, fields: &[(&str, &str)]) -> anyhow::Result<String> {
        let answer = self.send(path, fields).await?;
        ensure!(answer.status == 303, "{path}: {} {}", answer.status, answer.text()?);
        self.page(&told_at(path, &answer)?).await
    }

    /// Answers the question at a path, as whoever is asked does: with what its form holds. The page that tells what was done.
    pub async fn answered(&self, path: &str) -> anyhow::Result<String> {
        let question = self.page(path).await?;
        self.done(path, &hidden_in(&question)).await
    }

    /// The same, with the cookies that an answer sets.
    #[must_use]
    pub fn with_cookies_of(&self, answer: &Answer) -> Self {
        let set = answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
        let kept: Vec<_> =
            set.filter_map(|cookie| cookie.split(';').next()).filter(|pair| !pair.ends_with('=')).collect();
        Self { cookies: kept.join("; "), ..self.clone() }
    }
}

/// The fields of a page's own form that nobody sees, without the one that every form repeats.
#[must_use]
pub fn hidden_in(page: &str) -> Vec<(&str, &str)> {
    let form = page.rsplit("<form").next().unwrap_or_default();
    let fields = form.split("<input type=\"hidden\" name=\"").skip(1);
    fields
        .filter_map(|field| field.split_once("\" value=\""))
        .filter_map(|(name, rest)| Some((name, rest.split('"').next()?)))
        .filter(|(name, _)| *name != "csrf")
        .collect()
}

/// Where an answer to a request of a path below the console sends a browser, below the console.
pub fn told_at(path: &str, answer: &Answer) -> anyhow::Result<String> {
    let here = url::Url::parse(&format!("http://host/console{path}"))?;
    let there = here.join(answer.header("location").context("it leads nowhere")?)?;
    let path = there.path().strip_prefix("/console").with_context(|| format!("{there} is not the console's"))?;
    Ok(there.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
}
