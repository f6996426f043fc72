//! Bases of kustomizations in other repositories, end to end: fetched where
//! the project's sourceRepos allow it, refused where they do not.

use crate::support::repository::TestRepository;
use crate::world::{World, on_each};
use std::path::Path;

const POLICY: &str = "project: team\nsyncPolicy: {automated: {}}";

fn world(cluster: &Path, name: &str, repositories: &str) -> World {
    let mut world = World::new(cluster, name);
    let base = TestRepository::create(&world.folder().join("base"));
    base.commit(
        "main",
        &[
            ("deploy/kustomization.yaml", "resources: [config.yaml]\n"),
            (
                "deploy/config.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: of-base}\n",
            ),
        ],
    );
    let url = format!("https://example.com/base-of-{}.git", world.name);
    world.maps.push((url.clone(), base.path.clone()));
    let overlay = format!("namePrefix: p-\nresources: ['{url}//deploy?ref=main']\n");
    world.commit(&[("app/kustomization.yaml", &overlay)]);
    let repositories = repositories
        .replace("OWN", &world.url())
        .replace("BASE", &url);
    world.apply_text(&format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {{name: team, namespace: {}}}\nspec: {{sourceRepos: [{repositories}], destinations: [{{server: '*', namespace: '*'}}]}}\n",
        world.control_namespace()
    ));
    world.create_app(POLICY);
    world.start_agent();
    world
}

#[test]
fn a_base_that_the_project_allows_is_fetched() {
    on_each(|cluster| {
        let world = world(cluster, "base-in", "'OWN', 'BASE'");
        world.wait_synced();
        assert!(world.find("v1", "ConfigMap", "p-of-base").is_some());
    });
}

#[test]
fn a_base_that_the_project_does_not_allow_is_refused() {
    on_each(|cluster| {
        let world = world(cluster, "base-out", "'OWN'");
        let base = format!("https://example.com/base-of-{}.git", world.name);
        world.wait_app(&world.name, "refused", |app| {
            app.status.conditions.iter().any(|condition| {
                condition.kind == "ComparisonError"
                    && [base.as_str(), "project 'team'", "sourceRepos"]
                        .iter()
                        .all(|word| condition.message.contains(word))
            })
        });
        assert!(world.find("v1", "ConfigMap", "p-of-base").is_none());
    });
}
