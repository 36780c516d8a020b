//! Holds every recipe to their schema: nothing is built of one that it refuses. What it cannot say is read when a function starts.

use std::error::Error;
use std::fs;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=portals");
    println!("cargo:rerun-if-changed=recipe.schema.json");
    let schema = jsonschema::draft202012::new(&serde_json::from_slice(&fs::read("recipe.schema.json")?)?)?;
    for file in fs::read_dir("portals")? {
        let file = file?.path();
        let told = |fault: &dyn Error| format!("{}: {fault}", file.display());
        let recipe = serde_json::from_slice(&fs::read(&file)?).map_err(|fault| told(&fault))?;
        schema.validate(&recipe).map_err(|fault| format!("{} (at {})", told(&fault), fault.instance_path()))?;
    }
    Ok(())
}
