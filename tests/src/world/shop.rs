//! The world of the shop.

use super::{
    ACCOUNT, Binaries, BrokerSpec, CLOUDFLARE_TOKEN, Given, Program, ProgramKind, World, WorldError,
    WorldOptions,
};

impl World {
    /// The world of the shop example: broker `data` offers D1 and tokens, broker `edge` secrets and Pages domains.
    ///
    /// # Errors
    /// When a binary cannot be built, or a process does not come up.
    pub async fn shop(options: WorldOptions) -> Result<Self, WorldError> {
        let given = Given::for_the_shop(options.pages_delay);
        let mut world = Self::without_brokers(options, given).await?;
        let shares: [(&str, &[&str]); 2] = [
            ("data", &["cloudflare-d1", "cloudflare-token"]),
            ("edge", &["cloudflare-secrets", "cloudflare-pages-domain"]),
        ];
        for (name, offerings) in shares {
            world.start_broker(name, offerings).await?;
        }
        world.write_project()?;
        Ok(world)
    }

    /// Starts one more broker for Cloudflare, with a password of its own.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start_broker(&mut self, name: &str, offerings: &[&str]) -> Result<(), WorldError> {
        let password = self.new_password(name)?;
        let config = format!(
            "listen: <listen>\n\
             management: <management>\n\
             store: sqlite:broker.db\n\
             keys: broker.keys\n\
             credentials:\n  - {{ id: platform, username: platform, password: {{ file: platform.password }} }}\n\
             vendors:\n  cloudflare: {{ base_url: \"{vendor}\", account_id: {ACCOUNT}, api_token: {{ file: cf.token }}, calls_per_five_minutes: 1000000 }}\n\
             offerings: [{offerings}]\n\
             extensions: [{extensions}]\n\
             {tuning}",
            vendor = self.fake.base_url(),
            offerings = offerings.join(", "),
            extensions = self.options.extensions,
            tuning = self.tuning(),
        );
        let files = vec![
            ("platform.password".to_owned(), password.clone()),
            ("cf.token".to_owned(), self.secrets[CLOUDFLARE_TOKEN].clone()),
        ];
        let path = self.binaries.broker();
        let program = Program { path, kind: ProgramKind::SutlerBroker, environment: Vec::new() };
        self.start_specified(BrokerSpec {
            name: name.to_owned(),
            program,
            folder: self.folder_of(name),
            config,
            files,
            password,
            log_level: self.options.log_level,
        })
        .await
    }

    /// Copies the shop example into `project/`, with the addresses of this world.
    fn write_project(&self) -> Result<(), WorldError> {
        let step = "copying docs/examples/shop";
        let example = Binaries::workspace().join("docs/examples/shop/sutler.yaml");
        let text = std::fs::read_to_string(example).map_err(|error| WorldError::new(step, error))?;
        let text = text
            .replace("http://127.0.0.1:8080", &self.brokers["data"].url())
            .replace("http://127.0.0.1:8090", &self.brokers["edge"].url());
        std::fs::create_dir_all(self.project()).map_err(|error| WorldError::new(step, error))?;
        self.write_config(&text)
    }
}
