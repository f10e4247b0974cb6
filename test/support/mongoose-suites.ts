/** The suites that use Mongoose, in this process or in one that they start. They run on each major version of it. */
export const MONGOOSE_SUITES = [
  'test/adapters/{host-sessions.test.ts,mongoose/**/*.test.ts}',
  'test/contracts/mong*.test.ts',
  'test/docs/readme.test.ts',
  'test/examples/existing-provider.test.ts',
  'test/faults/mongodb.test.ts',
  'test/plugin/{passkey-contract,passkey-storages,user-documents}.test.ts',
  'test/races/{kill,legacy,redeem,refresh,sign-in,storage}.test.ts',
  'test/server/{at-rest,mongodb,upgrade}.test.ts',
  'test/server/two-nodes.test.ts',
  'test/server/import/{application-users,migrate-legacy}.test.ts',
]
