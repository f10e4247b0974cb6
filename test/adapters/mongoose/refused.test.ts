import { expect } from 'chai'
import mongoose from 'mongoose'
import { failed } from '../../../src/adapters/mongoose/failure.ts'
import { refusedFields } from '../../../src/adapters/mongoose/refused-write.ts'
import { MfaError } from '../../../src/domain/errors.ts'
import { startStandIn, type MongoServer } from '../../support/mongodb.ts'
import { requireOwnMongodb } from '../../support/requirements.ts'
import { MIRA, openPeople, type People } from './people.ts'

const id = String(MIRA)
/** The fields that an application knows of. */
const OWN = ['_id', 'name', 'passwordHash', 'profile', 'friends', 'createdAt', 'updatedAt', '__v']
const any = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, {}]))

describe('a MongoDB that refuses what it is asked', () => {
  let server: MongoServer
  let people: People

  before(async function () {
    requireOwnMongodb(this)
    server = await startStandIn()
  })
  after(() => server?.stop())
  beforeEach(async () => {
    people = await openPeople(server.url)
  })
  afterEach(async () => {
    await people.connection.db!.admin().command({
      configureFailPoint: 'failCommand',
      mode: 'off',
    })
    await people.close()
  })

  const refusal = async (): Promise<MfaError> => {
    const error: unknown = await people.storage.records
      .save(id, { n: 3 }, 2)
      .catch((thrown: unknown) => thrown)
    expect(error).to.be.instanceOf(MfaError)
    return error as MfaError
  }
  const validate = (validator: object): Promise<unknown> =>
    people.connection.db!.command({ collMod: 'users', validator })

  it('names the field for which the validator of the users has no place, until it has one', async () => {
    await validate({ $jsonSchema: { properties: any(OWN), additionalProperties: false } })
    const { code, status, message, headers, cause } = await refusal()
    expect([code, status, headers]).to.deep.equal(['storage-refused', 500, {}])
    expect(message).to.match(/collection users\b.* does not allow mfa$/)
    expect(cause).to.be.an('error').with.property('code', 121)
    await validate({ $jsonSchema: { properties: any([...OWN, 'mfa']) } })
    expect(await people.storage.records.save(id, { n: 3 }, 2)).to.equal(true)
  })

  for (const [what, mfa, path] of [
    ['another type', { bsonType: 'string' }, 'mfa'],
    ['another type inside of it', { properties: { record: { bsonType: 'object' } } }, 'mfa.record'],
    [
      'a field inside of it that it does not know',
      { properties: any(['version']), additionalProperties: false },
      'mfa.record',
    ],
    ['a field inside of it that is not there', { required: ['owner'] }, 'mfa.owner'],
  ] as const)
    it(`names the path where the validator asks for ${what}`, async () => {
      await validate({ $jsonSchema: { properties: { mfa } } })
      expect((await refusal()).message).to.match(new RegExp(` does not allow ${path}$`))
    })

  for (const [codeName, errorCode] of Object.entries({ Unauthorized: 13, TypeMismatch: 14 }))
    it(`names ${codeName}, which does not pass by itself`, async () => {
      await people.connection.db!.admin().command({
        configureFailPoint: 'failCommand',
        mode: { times: 1 },
        data: { failCommands: ['update'], errorCode },
      })
      expect((await refusal()).code).to.equal('storage-refused')
    })

  it('refuses a findUser by the same name', async () => {
    await people.connection.db!.admin().command({
      configureFailPoint: 'failCommand',
      mode: { times: 1 },
      data: { failCommands: ['find'], errorCode: 13 },
    })
    const error: unknown = await people.storage.findUser(id).catch((thrown: unknown) => thrown)
    expect(error).to.have.property('code', 'storage-refused')
  })
})

/** Errors in the shape of a real MongoDB 8 that the stand-in does not make (mongodb.com, "Schema Validation"). */
describe('an error of validation', () => {
  const refused = (details: object): Error =>
    Object.assign(new Error('Document failed validation'), {
      name: 'MongoServerError',
      code: 121,
      codeName: 'DocumentValidationFailure',
      errInfo: { failingDocumentId: MIRA, details },
    })
  const inSchema = (...schemaRulesNotSatisfied: object[]) =>
    refused({ operatorName: '$jsonSchema', title: 'User', schemaRulesNotSatisfied })

  it('tells the fields of every rule, each once', () => {
    const error = inSchema(
      {
        operatorName: 'properties',
        propertiesNotSatisfied: [
          {
            propertyName: 'mfa',
            description: "'mfa' must be an object",
            details: [
              {
                operatorName: 'bsonType',
                specifiedAs: { bsonType: 'object' },
                reason: 'type did not match',
                consideredValue: { secret: 'hidden' },
                consideredType: 'string',
              },
              { operatorName: 'minLength', specifiedAs: { minLength: 9 } },
            ],
          },
        ],
      },
      { operatorName: 'required', specifiedAs: { required: ['a'] }, missingProperties: ['a', 'b'] },
      {
        operatorName: 'additionalProperties',
        specifiedAs: { additionalProperties: false },
        additionalProperties: ['mfa', 'c'],
      },
    )
    expect(refusedFields(error)).to.deep.equal(['mfa', 'a', 'b', 'c'])
    const bulk = Object.assign(new Error('x'), { writeErrors: [{ err: error }, { err: error }] })
    expect(refusedFields(bulk)).to.deep.equal(['mfa', 'a', 'b', 'c'])
    expect(refusedFields(new Error('x', { cause: error }))).to.deep.equal(['mfa', 'a', 'b', 'c'])
  })

  it('R31 tells no value, and the name of the rule where no field is told', () => {
    const byQuery = refused({
      operatorName: '$expr',
      specifiedAs: { $expr: { $lt: ['$mfa.version', 2] } },
      reason: 'expression did not match',
      consideredValue: 'hidden',
    })
    expect(refusedFields(byQuery)).to.deep.equal([])
    expect(failed('users', byQuery).message).to.match(/DocumentValidationFailure; see the cause$/)
    const unfit = failed('users', new mongoose.mongo.MongoInvalidArgumentError('hidden'))
    expect([unfit.code, unfit.message.includes('hidden')]).to.deep.equal(['storage-refused', false])
    for (const odd of [
      undefined,
      null,
      'x',
      {},
      { errInfo: 'x' },
      { errInfo: { details: [null] } },
    ])
      expect(refusedFields(odd)).to.deep.equal([])
  })
})
