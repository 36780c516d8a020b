//! Signing in: a stand-in for an identity provider, by OpenID Connect's wire format, and a browser that goes there and comes back. What the
//! stand-in says of a visitor, and where it lies, the visitor's own request says: so tests at the same time do not meet. Served by
//! `identity-stand-in`.
//!
//! <https://openid.net/specs/openid-connect-core-1_0.html>, <https://openid.net/specs/openid-connect-discovery-1_0.html>

use anyhow::{Context, ensure};
use api::identity::Sessions;
use parameters::Parameters;
use reqwest::{Method, RequestBuilder, redirect};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use table::Clock;
use url::Url;
use uuid::Uuid;

use crate::Stack;
use crate::answer::Answer;
use crate::aws::Call;
use crate::user::any_loopback_address;

/// What the stack is called at the stand-in.
pub const CLIENT_ID: &str = "drover-tests.apps.example.com";
/// The stack's secret there. Nobody else may ever see it: see [`crate::leaks`].
pub const CLIENT_SECRET: &str = "StandInClient-4wQ8nB2kX6vM";
/// Where the stand-in sends people back to.
pub const REDIRECT_URL: &str = "https://app.example.com/auth/success";

/// How a token is signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// RSA, PKCS #1 1.5, SHA-256.
    #[default]
    Rs256,
    /// ECDSA, P-256, SHA-256.
    Es256,
}

/// What is wrong with a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lie {
    /// The token is for another client.
    Audience,
    /// It is for this client and another one.
    TwoAudiences,
    /// It is another provider's, by its own words.
    Issuer,
    /// It has expired.
    Expired,
    /// It is good from tomorrow on.
    NotYet,
    /// It was issued tomorrow.
    IssuedLater,
    /// It is of another sign-in.
    Nonce,
    /// It is of no sign-in.
    NoNonce,
    /// It is signed with a key that nobody publishes.
    UnknownKey,
    /// It names one published key, and is signed with another one.
    OtherKey,
    /// It is signed with a key that is published only now: no lie at all.
    NewKey,
    /// It is not signed, and says so.
    AlgorithmNone,
    /// It is signed with the public key as a secret.
    PublicKeyAsSecret,
    /// It is signed with the client's secret.
    ClientSecret,
    /// What it says was changed after it was signed.
    Tampered,
    /// Its signature is of other bytes.
    Signature,
    /// It is no token.
    NoToken,
    /// There is none.
    Missing,
    /// The address is not verified.
    Unverified,
    /// Whether the address is verified is not said.
    UnsaidVerified,
    /// There is no address.
    NoEmail,
    /// There is no subject.
    NoSubject,
    /// The subject is longer than one may be.
    LongSubject,
    /// The answer comes later than anybody waits.
    Slow,
    /// The stand-in fails.
    Status500,
    /// It sends what asks elsewhere, with the code.
    Redirected,
    /// It answers with some megabytes.
    Huge,
    /// It answers with what is no JSON.
    Garbage,
    /// It calls its JSON a page.
    ContentType,
    /// It hangs up.
    Closed,
    /// It does not know the client.
    InvalidClient,
}

/// Who signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visitor {
    /// What the provider calls them.
    pub subject: String,
    /// Their address.
    pub email: String,
    /// Their name, if they have one.
    pub name: Option<String>,
    /// Where their picture is.
    pub picture: Option<String>,
    /// How their token is signed.
    pub algorithm: Algorithm,
    /// What is wrong, if anything.
    pub lie: Option<Lie>,
}

impl Visitor {
    /// Somebody who has never been here.
    #[must_use]
    pub fn new() -> Self {
        let subject = Uuid::new_v4().simple().to_string();
        Self {
            email: format!("{subject}@example.com"),
            subject,
            name: Some("Jane Doe".to_owned()),
            picture: Some("https://example.com/jane.png".to_owned()),
            algorithm: Algorithm::Rs256,
            lie: None,
        }
    }

    /// Somebody of whom the provider lies so.
    #[must_use]
    pub fn with(lie: Lie) -> Self {
        Self { lie: Some(lie), ..Self::new() }
    }
}

impl Default for Visitor {
    fn default() -> Self {
        Self::new()
    }
}

/// A browser, at an address of its own. It keeps no cookies but those that a test gives it.
#[derive(Clone, Debug)]
pub struct Browser {
    url: String,
    client: reqwest::Client,
}

/// A sign-in that has begun.
#[derive(Clone, Debug)]
pub struct Begun {
    /// Where the visitor signs in.
    pub auth_url: Url,
    /// What comes back with them.
    pub state: String,
    /// The cookie that remembers the state, as `NAME=VALUE`.
    pub cookie: String,
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The session's token.
    pub token: String,
    /// What a browser repeats with each request that changes something.
    pub csrf: String,
    /// The whole answer.
    pub answer: Json,
}

impl Stack {
    /// A browser that nobody has used.
    pub fn browser(&self) -> anyhow::Result<Browser> {
        let client = reqwest::Client::builder()
            .local_address(any_loopback_address())
            .redirect(redirect::Policy::none())
            .timeout(std::time::Duration::from_secs(40))
            .build()?;
        Ok(Browser { url: self.url.clone(), client })
    }

    /// Signs somebody in, at a browser of their own.
    pub async fn sign_in(&self, visitor: &Visitor) -> anyhow::Result<SignedIn> {
        self.set_sign_in_secret().await?;
        let browser = self.browser()?;
        let begun = browser.begin().await?;
        let code = browser.visit(&begun, visitor).await?;
        SignedIn::read(&browser.finish(&json!({"code": code, "state": begun.state}), None).await?)
    }

    /// A session of a user, as the API would give them one if they signed in.
    pub async fn session_of(&self, user: &str) -> anyhow::Result<SignedIn> {
        let parameters = Parameters::new(&self.config, format!("/{}/sessions", self.name));
        let (session, token) = Sessions::new(parameters, Clock::system()).issue(user).await?;
        Ok(SignedIn { token, csrf: session.csrf, answer: Json::Null })
    }

    /// Sets the stack's secret at the stand-in, as an operator does.
    pub async fn set_sign_in_secret(&self) -> anyhow::Result<()> {
        let name = format!("/{}/sign-in/client-secret", self.name);
        let parameter = json!({"Name": name, "Value": CLIENT_SECRET, "Type": "SecureString", "Overwrite": true});
        self.operator().await?.ask(&Call::json("ssm", "AmazonSSM.PutParameter", &parameter)).await?;
        Ok(())
    }
}

impl Browser {
    /// A request of the API.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// Begins to sign in.
    pub async fn begin(&self) -> anyhow::Result<Begun> {
        let answer = Answer::of(self.request(Method::GET, "/auth/google").send().await?).await?;
        let body = answer.success(200)?;
        let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next()).context("no cookie")?;
        Ok(Begun {
            auth_url: body["auth_url"].as_str().context("no auth_url")?.parse()?,
            state: body["state"].as_str().context("no state")?.to_owned(),
            cookie: cookie.to_owned(),
        })
    }

    /// Signs in at the provider, and gives the code that it sends back.
    pub async fn visit(&self, begun: &Begun, visitor: &Visitor) -> anyhow::Result<String> {
        let mut address = begun.auth_url.clone();
        address.query_pairs_mut().append_pair("visitor", &serde_json::to_string(visitor)?);
        let answer = self.client.get(address).send().await?;
        let status = answer.status().as_u16();
        let back = answer.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let Some(back) = back else { anyhow::bail!("the provider answered {status}: {}", answer.text().await?) };
        ensure!(back.starts_with(REDIRECT_URL), "sent elsewhere: {back}");
        let back: Url = back.parse()?;
        let told = |name: &str| back.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        ensure!(told("state").as_deref() == Some(begun.state.as_str()), "another state: {back}");
        told("code").with_context(|| format!("no code: {back}"))
    }

    /// Brings a code back.
    pub async fn finish(&self, body: &Json, cookie: Option<&str>) -> anyhow::Result<Answer> {
        let mut request = self.request(Method::POST, "/auth/google").json(body);
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        Answer::of(request.send().await?).await
    }
}

impl SignedIn {
    /// What an answer of `POST /auth/google` tells, which must be a success.
    pub fn read(answer: &Answer) -> anyhow::Result<Self> {
        let body = answer.success(200)?;
        Ok(Self {
            token: body["access_token"].as_str().context("no token")?.to_owned(),
            csrf: body["csrf_token"].as_str().context("no CSRF token")?.to_owned(),
            answer: body,
        })
    }

    /// The user's id.
    pub fn user(&self) -> anyhow::Result<&str> {
        self.answer["user"]["id"].as_str().context("no user")
    }
}
