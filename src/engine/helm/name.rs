//! The name of a release that a template makes (`--name-template`).

use crate::gotmpl::{Context, Error, Host, Limits, TemplateSet, Val, funcs};
use std::rc::Rc;

/// What the template makes of nothing.
pub fn release_name(template: &str, host: &dyn Host, limits: Limits) -> Result<String, Error> {
    let mut engine = TemplateSet::new(funcs::table());
    engine.parse("name-template", template.as_bytes())?;
    let mut context = Context::with_templates(Rc::new(engine), host, limits);
    Ok(context.render("name-template", Val::Nil)?.to_string())
}
