import { assertEquals, assertRejects } from "@std/assert";
import {
  compilePrincipalMapping,
  parsePrincipalMappingRules,
  PrincipalMappingError,
} from "./principal_mapping.ts";

async function map(rules: string, name: string): Promise<string | undefined> {
  return (await compilePrincipalMapping(rules))(name);
}

Deno.test("compilePrincipalMapping() takes the first rule that matches the whole name, as Kafka does", async () => {
  const rules = [
    "RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/L",
    "RULE:^CN=(.*?),OU=(.*?),O=(.*?),L=(.*?),ST=(.*?),C=(.*?)$/$1@$2/L",
    "RULE:^cn=(.*?),ou=(.*?),dc=(.*?),dc=(.*?)$/$1@$2/U",
    "RULE:^.*[Cc][Nn]=([a-zA-Z0-9.]*).*$/$1/U",
    "DEFAULT",
  ].join(", ");
  const names: Record<string, string> = {
    "CN=Duke,OU=ServiceUsers,O=Org,C=US": "duke",
    "CN=Duke,OU=SME,O=mycp,L=Fulton,ST=MD,C=US": "duke@sme",
    "cn=duke,ou=sme,dc=mycp,dc=com": "DUKE@SME",
    "cN=duke,OU=JavaSoft,O=Sun Microsystems": "DUKE",
    "OU=JavaSoft,O=Sun Microsystems,C=US": "OU=JavaSoft,O=Sun Microsystems,C=US",
  };
  const mapping = await compilePrincipalMapping(rules);
  for (const [name, user] of Object.entries(names)) assertEquals(mapping(name), user);
});

Deno.test("compilePrincipalMapping() maps nothing where no rule matches", async () => {
  assertEquals(await map("RULE:^CN=(\\w+)$/$1/", "CN=alice,O=Acme"), undefined);
  // Part of the name is not enough: it could be put there by the client's authority.
  assertEquals(await map("RULE:CN=admin/admin/", "O=Acme,CN=admin"), undefined);
  assertEquals(await map("", "CN=alice"), undefined);
  assertEquals(await map("DEFAULT", "x".repeat(5000)), undefined);
});

Deno.test("compilePrincipalMapping() replaces as Java does", async () => {
  const cases: readonly [rules: string, name: string, user: string][] = [
    ["RULE:.*/X/", "CN=a", "XX"],
    ["RULE:^CN=((\\\\, *|\\w)+)(,.*|$)/$1/,DEFAULT", "CN=Tkac\\, Adam,OU=ITZ", "Tkac\\, Adam"],
    ["RULE:^CN=(\\w+)$/\\$$1\\//", "CN=a", "$a/"],
    ["RULE:^CN=(\\w+)$/$1@$4/", "CN=a", "a@$4"],
    ["RULE:^CN=(\\w+)$/$12/", "CN=a", "a2"],
    ["RULE:^CN=(\\w+)$/$0!/", "CN=a", "CN=a!"],
    ["RULE:^CN=(a)?(\\w+)$/[$1]$2/", "CN=bob", "[]bob"],
  ];
  for (const [rules, name, user] of cases) assertEquals(await map(rules, name), user, rules);
});

Deno.test("parsePrincipalMappingRules() splits rules at commas outside of them", () => {
  assertEquals(
    parsePrincipalMappingRules(" , RULE:,RULE:,/,DEFAULT,\\//U ,,  RULE: a / b / ,DEFAULT, "),
    [
      { pattern: ",RULE:,", replacement: ",DEFAULT,\\/", letters: "U" },
      { pattern: " a ", replacement: " b ", letters: "" },
      "DEFAULT",
    ],
  );
});

Deno.test("compilePrincipalMapping() rejects rules that Kafka or RE2 do not have", async () => {
  const wrong = [
    "default",
    "DEFAUL",
    "DEFAULT/L",
    "RULE:CN=(.*?)/$1",
    "rule:^CN=(.*?)$/$1/",
    "RULE:^CN=(.*?)$/$1/L/U",
    "RULE:^CN=(.*?)$/L",
    "RULE:^CN=(.*?)$/$1/LU",
    "RULE:^CN=(?=x).*$/$1/",
    "RULE:^(a)\\1$/$1/",
    "RULE:^a*+$/x/",
    "RULE:^(a/x/",
    "RULE:^a$/$1/",
    "RULE:^(a)$/$x/",
  ];
  for (const rules of wrong) {
    await assertRejects(() => compilePrincipalMapping(rules), PrincipalMappingError);
  }
});

Deno.test("compilePrincipalMapping() takes linear time for what makes others backtrack", async () => {
  // Were this exponential, the test would not end.
  assertEquals(
    await map("RULE:^CN=(([a-z])+.)+[A-Z]([a-z])+$/$1/", `CN=${"a".repeat(4000)}`),
    undefined,
  );
});
