//! How data goes through a state: the paths, templates and variables that all types share.

use super::Compiler;
use super::state::StateReader;
use super::values::Visible;
use crate::validate::fields::StateType;
use crate::validate::names::check_variable_name;
use crate::validate::{Field, warnings};
use crate::{PathSetting, QueryLanguage, ResultPath, ScopeIndex, Template};

/// The shared fields.
#[derive(Default)]
pub(super) struct Flow {
    pub(super) input_path: PathSetting,
    pub(super) arguments: Option<Template>,
    pub(super) result_selector: Option<Template>,
    pub(super) result_path: ResultPath,
    pub(super) output_path: PathSetting,
    pub(super) output: Option<Template>,
    pub(super) assign: Option<Template>,
}

impl<'n> Compiler<'n> {
    /// Reads the shared fields; `visible` is for `Output` and `Assign`.
    pub(super) fn flow(&mut self, state: &StateReader<'n, '_>, visible: Visible) -> Flow {
        let mut flow = Flow::default();
        if let Some(field) = state.field("InputPath") {
            flow.input_path = self.path_setting(&field);
        }
        if let Some(field) = state.field("OutputPath") {
            flow.output_path = self.path_setting(&field);
        }
        if let Some(field) = state.field("ResultPath") {
            flow.result_path = self.result_path(&field);
        }
        // The `Parameters` of a Map are its `ItemSelector`.
        if state.kind != StateType::Map
            && let Some(field) = state.field("Parameters")
        {
            flow.arguments = self.json_path_template(&field);
        }
        if let Some(field) = state.field("Arguments") {
            flow.arguments = self.template(&field, state.language, Visible::default());
        }
        if let Some(field) = state.field("ResultSelector") {
            flow.result_selector = self.json_path_template(&field);
        }
        if let Some(field) = state.field("Output") {
            flow.output = self.template(&field, state.language, visible);
        }
        if let Some(field) = state.field("Assign") {
            flow.assign = self.assign(&field, state.language, visible, state.surroundings.scope);
        }
        flow
    }

    /// A JSONPath template, with warnings about what looks like a path and is none.
    pub(super) fn json_path_template(&mut self, field: &Field<'n>) -> Option<Template> {
        warnings::check_template(&mut self.findings, field);
        self.template(field, QueryLanguage::JsonPath, Visible::default())
    }

    /// `Assign`: an object of variables and templates.
    pub(super) fn assign(
        &mut self,
        field: &Field<'n>,
        language: QueryLanguage,
        visible: Visible,
        scope: ScopeIndex,
    ) -> Option<Template> {
        let reader = self.object(field)?;
        for member in reader.object.iter() {
            let name = match language {
                QueryLanguage::JsonPath => member.key.strip_suffix(".$").unwrap_or(&member.key),
                QueryLanguage::Jsonata => &member.key,
            };
            let site = field.site.inside(&member.key, member.key_span);
            check_variable_name(&mut self.findings, name, field, &site);
            self.variables[scope.0 as usize].assigned.push((name.to_owned(), site));
        }
        match language {
            QueryLanguage::JsonPath => self.json_path_template(field),
            QueryLanguage::Jsonata => self.template(field, language, visible),
        }
    }
}
