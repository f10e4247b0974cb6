import { deepEqual, equal } from 'node:assert/strict'
import type { Clients } from '../ports/clients.ts'
import { AWKWARD_KEYS } from './awkward-keys.ts'
import { globalRunner, inParallel, storeTests } from './runner.ts'
import type { Make, Runner } from './runner.ts'

export function describeClients(
  name: string,
  make: Make<Clients>,
  runner: Runner = globalRunner(),
): void {
  const test = storeTests(make, runner)
  const metadata = {
    client_id: 'shop',
    redirect_uris: ['https://shop.example/cb'],
    first_party: true,
  }

  runner.describe(`${name}: clients`, () => {
    test('says whether a client was added, changed or left as it was', async (clients) => {
      equal(await clients.put('shop', metadata), 'added')
      equal(await clients.put('shop', { ...metadata, client_name: 'Shop' }), 'changed')
      equal(await clients.put('shop', { client_name: 'Shop', ...metadata }), 'unchanged')
      deepEqual(await clients.get('shop'), { ...metadata, client_name: 'Shop' })
    })

    test('replaces metadata, so that what is no longer said is gone', async (clients) => {
      await clients.put('shop', { ...metadata, client_name: 'Shop' })
      await clients.put('shop', metadata)
      deepEqual(await clients.get('shop'), metadata)
    })

    test('removes a client and says whether there was one', async (clients) => {
      await clients.put('shop', metadata)
      equal(await clients.remove('shop'), true)
      equal(await clients.remove('shop'), false)
      equal(await clients.get('shop'), undefined)
      deepEqual(await clients.list(), [])
    })

    test('replaces a client in passing only while it is the expected one', async (clients) => {
      await clients.put('shop', metadata)
      const changed = { ...metadata, client_name: 'Shop' }
      equal(await clients.replace('shop', changed, { client_id: 'shop' }), false)
      const { client_id, ...rest } = metadata
      equal(await clients.replace('shop', changed, { ...rest, client_id }), true)
      deepEqual(await clients.get('shop'), changed)
      equal(await clients.replace('shop', metadata, metadata), false)
      await clients.remove('shop')
      equal(await clients.replace('shop', metadata, changed), false)
      equal(await clients.get('shop'), undefined)
    })

    test('R18 lets one of many parallel additions of one id succeed', async (clients) => {
      const answers = await inParallel(20, (index) =>
        clients.insert('shop', { ...metadata, client_name: `Shop ${index}` }),
      )
      equal(answers.filter(Boolean).length, 1)
      const { client_name: name } = (await clients.get('shop')) ?? {}
      equal(name, `Shop ${answers.indexOf(true)}`)
      await clients.remove('shop')
      equal(await clients.insert('shop', metadata), true)
      deepEqual(await clients.get('shop'), metadata)
    })

    test('R18 lets one of many parallel replacements of one value succeed', async (clients) => {
      await clients.put('shop', metadata)
      const answers = await inParallel(20, (index) =>
        clients.replace('shop', { ...metadata, client_name: `Shop ${index}` }, metadata),
      )
      equal(answers.filter(Boolean).length, 1)
      const { client_name: name } = (await clients.get('shop')) ?? {}
      equal(name, `Shop ${answers.indexOf(true)}`)
    })

    test('keeps clients apart, whatever their ids', async (clients) => {
      for (const id of AWKWARD_KEYS) equal(await clients.insert(id, { client_id: id }), true)
      for (const id of AWKWARD_KEYS) equal(await clients.put(id, { client_id: id }), 'unchanged')
      for (const id of AWKWARD_KEYS) deepEqual(await clients.get(id), { client_id: id })
      deepEqual(
        (await clients.list()).map((client) => client['client_id']).sort(),
        [...AWKWARD_KEYS].sort(),
      )
    })
  })
}
