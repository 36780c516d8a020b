//! `/console/audit`: who did what.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use operations::Paging;
use operations::audit::{Entry, Outcome};
use serde_json::Value as Json;

use crate::App;
use crate::fault::Fault;
use crate::frame::{Frame, Section};
use crate::page::{Asked, PAGE};
use crate::view::badge::{Tone, badge};
use crate::view::pager::pager;
use crate::view::table::table;
use crate::view::text::shown;
use crate::view::time::exact;
