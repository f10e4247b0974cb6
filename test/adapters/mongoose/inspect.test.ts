import { expect } from 'chai'
import type { mongo } from 'mongoose'
import { inspect } from '../../../src/adapters/mongoose/inspect.ts'

/** A database without indexes that returns this response to each command. */
function answering(hello: object): mongo.Db {
  return {
    admin: () => ({ command: async () => hello }),
    collection: () => ({ listIndexes: () => ({ toArray: async () => [] }) }),
  } as unknown as mongo.Db
}

const inSeconds = (seconds: number): Date => new Date(Date.now() + seconds * 1000)

async function problemOf(about: string, hello: object): Promise<string | undefined> {
  return (await inspect(answering(hello))).find((remark) => remark.about === about)?.problem
}

describe('what doctor says of a MongoDB that works', () => {
  it('R7 tells of clocks that differ, by how much and which way', async () => {
    const hello = { setName: 'rs' }
    expect(await problemOf('clocks', { ...hello, localTime: inSeconds(90) })).to.match(
      /(89|90|91) s ahead of this machine's/,
    )
    expect(await problemOf('clocks', { ...hello, localTime: inSeconds(-90) })).to.match(
      /(89|90|91) s behind this machine's/,
    )
    for (const localTime of [inSeconds(0), inSeconds(2), undefined])
      expect(await problemOf('clocks', { ...hello, localTime })).to.equal(undefined)
  })

  it('tells of a server without a second one, and takes replica sets and routers of a cluster', async () => {
    expect(await problemOf('replica set', {})).to.match(/no member of a replica set/)
    expect(await problemOf('replica set', { setName: 'rs' })).to.equal(undefined)
    expect(await problemOf('replica set', { msg: 'isdbgrid' })).to.equal(undefined)
  })

  it('names every index that is missing', async () => {
    expect(await problemOf('indexes', {})).to.match(
      /mfa_one_time\.mfa_keep_until, .*mfa_accounts\.mfa_names, .*missing: run `oidc-provider-mfa migrate`/,
    )
  })
})
