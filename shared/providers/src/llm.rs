//! LLMs, by the chat-completions API of OpenAI, which is DeepSeek's too. Its types, addresses and headers are `async-openai`'s; what goes over
//! the wire, and how often, is ours.

use std::sync::Arc;
use std::time::Duration;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use async_openai::types::chat::{
    ChatCompletionRequestUserMessageArgs, CreateChatCompletionRequest, CreateChatCompletionRequestArgs,
};
use outbound::{Fault as Transport, Outbound, Reply};
use parameters::{Parameters, Value as Key};
use reqwest::Response;
use serde::Deserialize;
use tokio::time::Instant;
use tower::service_fn;

use crate::fault::{Fault, Refusal};
use crate::models::Provider;

/// The LLMs of a deployment.
#[derive(Clone)]
pub struct Llm {
    outbound: Arc<Outbound>,
    keys: Parameters,
    addresses: Addresses,
    time_limit: Duration,
}

/// The base URLs of the providers, as `https://api.openai.com/v1`.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// OpenAI's.
    pub openai: String,
    /// DeepSeek's.
    pub deepseek: String,
}

/// What is to be written.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// By which model.
    pub model: String,
    /// What is asked for.
    pub text: String,
    /// How long it may become, in tokens.
    pub max_tokens: Option<u32>,
    /// How freely it is written, from 0 to 2.
    pub temperature: Option<f32>,
}

impl Llm {
    /// Those at `addresses`. An answer may take `time_limit`, a second try included.
    #[must_use]
    pub const fn new(outbound: Arc<Outbound>, keys: Parameters, addresses: Addresses, time_limit: Duration) -> Self {
        Self { outbound, keys, addresses, time_limit }
    }

    /// By when a request that has come now must be answered.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.time_limit
    }

    /// Has `provider` write something by `deadline`. Asked is once, and once more where the connection broke before there was an answer.
    pub async fn generate(&self, provider: Provider, prompt: &Prompt, deadline: Instant) -> Result<String, Fault> {
        let work = async {
            let key = self.keys.get(provider.name()).await?;
            let told = self.ask(provider, &key, prompt).await;
            told.inspect_err(|fault| fault.forget_refused(&self.keys, provider.name()))
        };
        tokio::time::timeout_at(deadline, work).await.unwrap_or(Err(Fault::timed_out(self.time_limit)))
    }

    async fn ask(&self, provider: Provider, key: &Key, prompt: &Prompt) -> Result<String, Fault> {
        let address = match provider {
            Provider::OpenAi => &self.addresses.openai,
            Provider::DeepSeek => &self.addresses.deepseek,
        };
        let config = OpenAIConfig::new().with_api_base(address.as_str()).with_api_key(key.reveal());
        let (outbound, held) = (Arc::clone(&self.outbound), key.clone());
        let wire = service_fn(move |factory| exchange(Arc::clone(&outbound), held.clone(), factory));
        let client = Client::build(self.outbound.client()?.clone(), config).with_http_service(wire);
        let answer = client.chat().create(request(provider, prompt)?).await.map_err(fault_in)?;
        let content = answer.choices.into_iter().next().and_then(|choice| choice.message.content);
        content.filter(|content| !content.trim().is_empty()).ok_or(Fault::Empty)
    }
}

fn request(provider: Provider, prompt: &Prompt) -> Result<CreateChatCompletionRequest, Fault> {
    let message = ChatCompletionRequestUserMessageArgs::default().content(prompt.text.as_str()).build();
    let mut request = CreateChatCompletionRequestArgs::default();
    request.model(&prompt.model).messages([message.map_err(fault_in)?.into()]);
    if let Some(temperature) = prompt.temperature {
        request.temperature(temperature);
    }
    if let Some(tokens) = prompt.max_tokens {
        match provider {
            // Its newer models take no other name.
            Provider::OpenAi => request.max_completion_tokens(tokens),
            Provider::DeepSeek => request.max_tokens(tokens),
        };
    }
    request.build().map_err(fault_in)
}

/// What the client is given in place of its own way to the provider, which would try again after refusals, and read answers of any length.
async fn exchange(outbound: Arc<Outbound>, key: Key, factory: HttpRequestFactory) -> Result<Response, OpenAIError> {
    let request = factory.build().await?;
    let reply = outbound.send(request, Transport::is_of_transport).await;
    let reply = reply.map_err(Fault::from).and_then(|reply| accepted(reply, &key));
    let reply = reply.map_err(|fault| OpenAIError::Boxed(Box::new(fault)))?;
    Ok(http::Response::new(reply.body).into())
}

/// An error as OpenAI and DeepSeek tell it: `{"error": {"message", "type", "param", "code"}}`.
#[derive(Deserialize)]
struct Refused {
    error: Details,
}

#[derive(Deserialize)]
struct Details {
    code: Option<serde_json::Value>,
    r#type: Option<serde_json::Value>,
}

/// An answer that is no refusal, neither by its status nor in a 200.
fn accepted(reply: Reply, key: &Key) -> Result<Reply, Fault> {
    let details = serde_json::from_slice::<Refused>(&reply.body).ok().map(|refused| refused.error);
    if reply.status == 200 && details.is_none() {
        return Ok(reply);
    }
    let name = details.as_ref().and_then(|details| {
        let text =
            |value: &Option<serde_json::Value>| value.as_ref().and_then(serde_json::Value::as_str).map(str::to_owned);
        text(&details.code).or_else(|| text(&details.r#type))
    });
    Err(Fault::Refused(Refusal::new(reply.status, name.as_deref(), key.reveal())))
}

/// Our own fault, on its way back through the client; all else is an answer that the client does not understand.
fn fault_in(error: OpenAIError) -> Fault {
    match error {
        OpenAIError::Boxed(inner) => inner.downcast::<Fault>().map_or(Fault::GARBLED, |fault| *fault),
        _ => Fault::GARBLED,
    }
}
