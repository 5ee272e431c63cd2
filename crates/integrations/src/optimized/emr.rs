//! EMR's `modifyInstanceFleetByName` and `modifyInstanceGroupByName`: two calls, of which the
//! first finds out which id the name stands for.

use asl::Payload;
use engine::TaskFailure;
use runtime::TaskCall;
use serde_json::{Value, json};
use service_models::Service;

use super::table::EMR_FAMILY;
use super::{Optimized, context, family_failure, not_supported};
use crate::aws::{AwsCall, AwsError};
use crate::failure::{bad_parameters, task_failure};
use crate::metadata::sdk_metadata;

/// What is modified.
struct Kind {
    action: &'static str,
    /// Parameters of the task: the name, and what to change.
    name: &'static str,
    change: &'static str,
    list: &'static str,
    listed: &'static str,
    modify: &'static str,
    id: &'static str,
    /// Whether the operation takes a list of changes.
    takes_list: bool,
}

const KINDS: [Kind; 2] = [
    Kind {
        action: "modifyInstanceFleetByName",
        name: "InstanceFleetName",
        change: "InstanceFleet",
        list: "ListInstanceFleets",
        listed: "InstanceFleets",
        modify: "ModifyInstanceFleet",
        id: "InstanceFleetId",
        takes_list: false,
    },
    Kind {
        action: "modifyInstanceGroupByName",
        name: "InstanceGroupName",
        change: "InstanceGroup",
        list: "ListInstanceGroups",
        listed: "InstanceGroups",
        modify: "ModifyInstanceGroups",
        id: "InstanceGroupId",
        takes_list: true,
    },
];

/// Whether an action is done here.
pub(super) fn knows(service: &str, action: &str) -> bool {
    service == "elasticmapreduce" && KINDS.iter().any(|kind| kind.action == action)
}

impl Optimized {
    pub(super) async fn modify_by_name(
        &self,
        call: &TaskCall,
        action: &str,
    ) -> Result<Payload, TaskFailure> {
        let kind = KINDS.iter().find(|kind| kind.action == action);
        let service = service_models::find("emr");
        let (Some(kind), Some(service)) = (kind, service) else { return Err(not_supported(call)) };
        let given = &call.dispatch.parameters;
        let required = ["ClusterId", kind.name, kind.change];
        let missing: Vec<String> = required
            .iter()
            .filter(|name| given.value().get(**name).is_none_or(Value::is_null))
            .map(|name| format!("The field \"{name}\" is required but was missing"))
            .collect();
        if !missing.is_empty() {
            return Err(bad_parameters(given.text(), &missing));
        }
        let [cluster, name, change] = required.map(|name| &given.value()[name]);
        let id = self.find_id(call, kind, service, cluster, name).await?;
        let mut change = change.clone();
        if let Value::Object(change) = &mut change {
            change.insert(kind.id.to_owned(), id);
        }
        let change = if kind.takes_list { json!([change]) } else { change };
        let member = if kind.takes_list { kind.listed } else { kind.change };
        let parameters = json!({ "ClusterId": cluster, member: change });
        let response = self.emr(call, service, kind.modify, &parameters).await?;
        let (http, metadata) =
            sdk_metadata(&response.headers, response.status, &response.request_id);
        Ok(Payload::from_value(json!({ "SdkHttpMetadata": http, "SdkResponseMetadata": metadata })))
    }

    async fn find_id(
        &self,
        call: &TaskCall,
        kind: &Kind,
        service: &'static Service,
        cluster: &Value,
        name: &Value,
    ) -> Result<Value, TaskFailure> {
        let mut parameters = json!({ "ClusterId": cluster });
        loop {
            let page = self.emr(call, service, kind.list, &parameters).await?.output;
            let mut listed = page[kind.listed].as_array().into_iter().flatten();
            if let Some(found) = listed.find(|listed| listed["Name"] == *name) {
                return Ok(found["Id"].clone());
            }
            match page.get("Marker") {
                Some(Value::String(marker)) => parameters["Marker"] = Value::from(marker.as_str()),
                _ => {
                    let cause = format!("The cluster {cluster} has no {} {name}", kind.change);
                    return Err(task_failure("ElasticMapReduce.InvalidRequestException", cause));
                }
            }
        }
    }

    async fn emr(
        &self,
        call: &TaskCall,
        service: &'static Service,
        name: &str,
        parameters: &Value,
    ) -> Result<crate::aws::AwsResponse, TaskFailure> {
        let operation = super::operation(service, name, call)?;
        let aws = AwsCall { service, operation, parameters, payload: None, context: context(call) };
        let answer = self.client.call(&aws).await;
        answer
            .map_err(|error: AwsError| family_failure(EMR_FAMILY, error, &call.dispatch.parameters))
    }
}
