//! Routes: what the operator says about where tasks go, by their resource.
//!
//! A route to AWS or to an endpoint is found by the AWS client and by `lambda`; one to a function,
//! a process, a container, an HTTP URL or a mock takes the place of the integration: it is given the task's
//! parameters, and what it answers is the task's result.

mod config;
mod describe;
mod local;

use asl::Resource;

pub use config::{ContainerRoute, MockRoute, RouteConfig};
pub use describe::describe_destination;
pub(crate) use local::run;

use config::{Target, matches};

/// The routes, in the order of the file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Routes {
    routes: Vec<(String, Target)>,
}

impl Routes {
    /// Routes that are wrong are left out: [`RouteConfig::check`] has told them.
    pub(crate) fn new(routes: &[RouteConfig]) -> Routes {
        let valid =
            routes.iter().filter_map(|route| Some((route.resource.clone(), route.target().ok()?)));
        Routes { routes: valid.collect() }
    }

    /// The first route whose pattern is that of a resource.
    pub(crate) fn find(&self, resource: &Resource) -> Option<&Target> {
        self.named(resource).map(|(_, target)| target)
    }

    /// The same, with the pattern.
    pub(crate) fn named(&self, resource: &Resource) -> Option<(&str, &Target)> {
        let short = match resource {
            Resource::Service { .. } => {
                format!("{}:{}", resource.resource_type(), resource.resource_name())
            }
            _ => resource.arn().to_owned(),
        };
        self.first(&[resource.arn(), &short])
    }

    /// The route of a call that no task makes, such as `aws-sdk:s3:getObject`.
    pub(crate) fn find_call(&self, service: &str, action: &str) -> Option<&Target> {
        let short = format!("aws-sdk:{service}:{action}");
        let arn = format!("arn:aws:states:::{short}");
        self.first(&[&arn, &short]).map(|(_, target)| target)
    }

    fn first(&self, names: &[&str]) -> Option<(&str, &Target)> {
        let found =
            self.routes.iter().find(|(pattern, _)| names.iter().any(|name| matches(pattern, name)));
        found.map(|(pattern, target)| (pattern.as_str(), target))
    }
}

pub(crate) use config::Target as RouteTarget;
