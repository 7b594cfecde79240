/**
 * Who may import whom (docs/architecture.md): each package lists the packages below it. What is not listed
 * is an error. Tests may import more; apps may import any package.
 */
const layers = {
  protocol: [],
  capture: [],
  transport: ["protocol"],
  control: ["protocol", "transport"],
  crypto: [],
  ppp: ["crypto", "protocol"],
  access: ["protocol"],
  config: ["protocol", "access"],
  linux: [],
  dataplane: ["protocol"],
  "dataplane-mock": ["dataplane", "protocol"],
  "dataplane-null": ["dataplane", "protocol"],
  "dataplane-linux": ["dataplane", "linux", "protocol"],
  // MPPE encrypts data packets, so it runs where they do.
  "dataplane-userspace": ["dataplane", "linux", "ppp", "protocol"],
  node: ["access", "capture", "control", "dataplane", "ppp", "protocol", "transport"],
  management: [],
};
/** No I/O, no clock, no randomness: what Node offers is out of bounds. */
const pure = ["protocol", "capture", "transport", "control", "crypto", "ppp", "access"];

module.exports = {
  forbidden: [
    {
      name: "pure-packages-use-no-node-builtin",
      severity: "error",
      from: { path: `^packages/(${pure.join("|")})/src` },
      to: { dependencyTypes: ["core"] },
    },
    ...Object.entries(layers).map(([name, below]) => ({
      name: `${name}-imports-only-layers-below`,
      severity: "error",
      from: { path: `^packages/${name}/src` },
      to: { path: `^(packages/(?!(${[name, ...below].join("|")})/)|apps/|tools/)` },
    })),
    {
      name: "koffi-only-in-linux",
      severity: "error",
      from: { path: "^(packages|apps)/", pathNot: "^packages/linux/src/syscalls" },
      to: { path: "(^|/)koffi(/|$)" },
    },
    {
      name: "apps-do-not-import-each-other",
      severity: "error",
      from: { path: "^apps/([^/]+)/" },
      to: { path: "^apps/", pathNot: "^apps/$1/" },
    },
    { name: "nothing-undeclared", severity: "error", from: {}, to: { couldNotResolve: true } },
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["@l2tp/source", "import", "default"],
    },
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)dist/" },
  },
};
