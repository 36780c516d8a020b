//! Knows how the services of others are called that are paid for: the chat API of OpenAI and DeepSeek, and the task API that 2Captcha and
//! AntiCaptcha share; their keys, limits and faults. Knows nothing of who wants it, nor of what is paid twice.

pub mod captcha;
mod fault;
pub mod llm;
mod models;

pub use fault::{Fault, Refusal};
pub use models::{Models, Provider};
