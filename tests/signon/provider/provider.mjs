// A real OpenID Connect provider. Configuration: one JSON object as the only argument; says `ready` when it listens.
import Provider from "oidc-provider";

const { port, client, secret, redirect, people, resource, robot, groupsInToken } = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: client,
      client_secret: secret,
      grant_types: ["authorization_code"],
      redirect_uris: [redirect],
      response_types: ["code"],
    },
    {
      client_id: robot,
      client_secret: secret,
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
    },
  ],
  pkce: { required: () => true },
  conformIdTokenClaims: !groupsInToken,
  claims: { openid: ["sub"], email: ["email"], profile: ["name", "groups"] },
  findAccount: (_context, id) =>
    id in people ? { accountId: id, claims: async () => ({ sub: id, ...people[id] }) } : undefined,
  features: {
    devInteractions: { enabled: true },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: (_context, indicator) => {
        if (indicator !== resource) throw new Error("unknown resource");
        return { scope: "", audience: indicator, accessTokenFormat: "jwt", accessTokenTTL: 300 };
      },
    },
  },
});

provider.listen(port, "127.0.0.1", () => console.log("ready"));
