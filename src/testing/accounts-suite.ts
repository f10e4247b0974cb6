import { deepEqual, equal } from 'node:assert/strict'
import type { Account, Accounts } from '../ports/accounts.ts'
import { AWKWARD_KEYS } from './awkward-keys.ts'
import { globalRunner, inParallel, storeTests, TEST_START } from './runner.ts'
import type { Make, Runner } from './runner.ts'

/** The rules of `Accounts`: unique names, and changes that are not lost. */
export function describeAccounts(
  name: string,
  make: Make<Accounts>,
  runner: Runner = globalRunner(),
): void {
  const test = storeTests(make, runner)

  runner.describe(`${name}: accounts`, () => {
    test('finds an account by id, user name and verified address', async (accounts) => {
      const anna = account('1', 'Anna')
      equal(await accounts.insert(anna, { username: 'anna', email: 'anna@example.com' }), true)
      const stored = { account: anna, version: 1 }
      deepEqual(await accounts.byId('1'), stored)
      deepEqual(await accounts.byName('anna'), stored)
      deepEqual(await accounts.byName('anna@example.com'), stored)
    })

    test('keeps the added addresses of an account, and finds nobody by them', async (accounts) => {
      const added = [{ address: 'b@example.com', verifiedAt: TEST_START }]
      const anna = { ...account('1', 'Anna'), addresses: added }
      await accounts.insert(anna, { username: 'anna', email: 'a@example.com' })
      deepEqual((await accounts.byId('1'))?.account.addresses, added)
      equal(await accounts.byName('b@example.com'), undefined)
      const bea = { ...account('2', 'Bea'), email: 'b@example.com', emailVerified: true }
      equal(await accounts.insert(bea, { username: 'bea', email: 'b@example.com' }), true)
    })

    test('finds nobody by a name or id that nobody has', async (accounts) => {
      await accounts.insert(account('1', 'Anna'), { username: 'anna' })
      for (const name of ['Anna', 'ann', '', '1', '%', ...AWKWARD_KEYS]) {
        equal(await accounts.byName(name), undefined)
      }
      for (const id of ['2', '', 'anna', '__proto__']) equal(await accounts.byId(id), undefined)
    })

    test('refuses a taken user name or address, whichever of the two it is', async (accounts) => {
      await accounts.insert(account('1', 'Anna'), { username: 'anna', email: 'a@example.com' })
      for (const names of [
        { username: 'anna' },
        { username: 'a@example.com' },
        { username: 'other', email: 'a@example.com' },
        { username: 'other', email: 'anna' },
      ]) {
        equal(await accounts.insert(account('2', 'Other'), names), false)
      }
      equal(await accounts.byId('2'), undefined)
      equal(await accounts.byName('other'), undefined)
    })

    test('refuses an id that exists', async (accounts) => {
      await accounts.insert(account('1', 'Anna'), { username: 'anna' })
      equal(await accounts.insert(account('1', 'Eve'), { username: 'eve' }), false)
      equal((await accounts.byId('1'))?.account.username, 'Anna')
      equal(await accounts.byName('eve'), undefined)
    })

    test('takes a user name that is the same person’s address', async (accounts) => {
      const names = { username: 'a@example.com', email: 'a@example.com' }
      equal(await accounts.insert(account('1', 'a@example.com'), names), true)
      equal(await accounts.update(account('1', 'a@example.com'), names, 1), true)
      equal((await accounts.byName('a@example.com'))?.version, 2)
    })

    test('changes an account of the expected version only', async (accounts) => {
      await accounts.insert(account('1', 'Anna'), { username: 'anna' })
      const disabled = { ...account('1', 'Anna'), disabledAt: TEST_START }
      equal(await accounts.update(disabled, { username: 'anna' }, 1), true)
      equal(await accounts.update(account('1', 'Anna'), { username: 'anna' }, 1), false)
      equal(await accounts.update(account('2', 'Eve'), { username: 'eve' }, 1), false)
      deepEqual(await accounts.byId('1'), { account: disabled, version: 2 })
    })

    test('frees a name that was given up, and takes the new one', async (accounts) => {
      await accounts.insert(account('1', 'Anna'), { username: 'anna', email: 'a@example.com' })
      await accounts.update(account('1', 'Anne'), { username: 'anne' }, 1)
      equal(await accounts.byName('anna'), undefined)
      equal(await accounts.byName('a@example.com'), undefined)
      equal((await accounts.byName('anne'))?.account.id, '1')
      equal(await accounts.insert(account('2', 'Anna'), { username: 'anna' }), true)
    })

    test('refuses a change to a taken name, and changes nothing', async (accounts) => {
      await accounts.insert(account('1', 'Anna'), { username: 'anna' })
      await accounts.insert(account('2', 'Bea'), { username: 'bea' })
      equal(await accounts.update(account('2', 'Anna'), { username: 'anna' }, 1), false)
      equal(await accounts.update(account('2', 'B'), { username: 'b', email: 'anna' }, 1), false)
      equal((await accounts.byName('anna'))?.account.id, '1')
      deepEqual(await accounts.byName('bea'), { account: account('2', 'Bea'), version: 1 })
      equal(await accounts.byName('b'), undefined)
    })

    test('lists accounts in order of their ids, page by page', async (accounts) => {
      for (const id of ['c', 'a', 'd', 'b']) {
        await accounts.insert(account(id, id), { username: id })
      }
      const page = async (after: string | undefined): Promise<string[]> => {
        const query = after === undefined ? { limit: 3 } : { after, limit: 3 }
        return (await accounts.list(query)).map((stored) => stored.account.id)
      }
      deepEqual(await page(undefined), ['a', 'b', 'c'])
      deepEqual(await page('c'), ['d'])
      deepEqual(await page('d'), [])
    })

    test('R18 gives a name to one of many parallel accounts', async (accounts) => {
      const answers = await inParallel(20, (index) =>
        accounts.insert(account(`id-${index}`, 'Anna'), { username: 'anna' }),
      )
      equal(answers.filter(Boolean).length, 1)
      equal((await accounts.list({ limit: 100 })).length, 1)
    })

    test('R18 lets one of many parallel changes of one version succeed', async (accounts) => {
      await accounts.insert(account('1', 'Anna'), { username: 'anna' })
      const answers = await inParallel(20, (index) =>
        accounts.update(account('1', `Anna ${index}`), { username: `anna-${index}` }, 1),
      )
      equal(answers.filter(Boolean).length, 1)
      const winner = answers.indexOf(true)
      equal((await accounts.byName(`anna-${winner}`))?.account.username, `Anna ${winner}`)
      equal((await accounts.byId('1'))?.version, 2)
    })
  })
}

function account(id: string, username: string): Account {
  return {
    id,
    username,
    emailVerified: false,
    groups: ['staff'],
    claims: { given_name: 'Änne', address: { locality: 'Köln' }, 'https://example.com/a.b': 1 },
    createdAt: TEST_START,
    updatedAt: TEST_START,
    passwordOrigin: 'none',
  }
}
