import { expect } from 'chai'
import fc from 'fast-check'
import { readPerson, type ImportedPerson } from '../../../src/server/import/person.ts'

const BCRYPT = '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'

function read(...given: Parameters<typeof readPerson>): ImportedPerson {
  const reading = readPerson(...given)
  if ('faults' in reading) throw new Error(JSON.stringify(reading.faults))
  return reading.person
}

describe('a person of an import file', () => {
  it('is read from the names that applications use, and from the cells of a table', () => {
    const expected = {
      username: 'ada',
      email: 'ada@example.com',
      emailVerified: true,
      passwordHash: BCRYPT,
      hashKind: 'bcrypt 5',
      groups: ['staff', 'admins'],
      claims: { given_name: 'Ada' },
    }
    for (const fields of [
      {
        username: 'ada',
        email: 'ada@example.com',
        passwordHash: BCRYPT,
        groups: ['staff', 'admins'],
        claims: { given_name: 'Ada' },
      },
      {
        login: ' ada ',
        email_address: 'ada@example.com',
        email_verified: 't',
        password_hash: BCRYPT,
        groups: 'staff, admins',
        claims: '{"given_name":"Ada"}',
      },
      {
        user_name: 'ada',
        emailVerified: 1,
        password_hash: BCRYPT,
        groups: '["staff","admins"]',
        claims: { given_name: 'Ada', email: 'ada@example.com' },
      },
    ])
      expect(read(fields)).to.deep.equal(expected)
  })

  it('is called by the address where there is no name', () => {
    expect(read({ email: 'ada@example.com' })).to.include({ username: 'ada@example.com' })
  })

  it('has an address that counts as verified, unless the import says otherwise', () => {
    const verified = (fields: object, emailsVerified?: boolean): boolean =>
      read(
        { email: 'a@b.example', ...fields },
        emailsVerified === undefined ? {} : { emailsVerified },
      ).emailVerified
    expect(verified({})).to.equal(true)
    expect(verified({ email_verified: 'false' })).to.equal(false)
    expect(verified({ claims: { email_verified: false } })).to.equal(false)
    expect(verified({}, false)).to.equal(false)
    expect(verified({ email_verified: '1' }, false)).to.equal(true)
  })

  it('has up to two more addresses, each once and without the own one', () => {
    const addresses = (verifiedAddresses: unknown, email = 'ada@example.com') =>
      read({ email, verifiedAddresses }, { emailsVerified: false }).addresses
    const [one, two] = ['ada@work.example', 'a.l@home.example']
    expect(addresses([one, two])).to.deep.equal([one, two])
    expect(addresses(`${one}; ${two}`)).to.deep.equal([one, two])
    expect(addresses(JSON.stringify([one]))).to.deep.equal([one])
    expect(addresses([one, 'ADA@Work.example', 'Ada@Example.com'])).to.have.length(1)
    for (const none of [undefined, null, '', [], 'NULL', ['ada@example.com']])
      expect(addresses(none)).to.equal(undefined)
    expect(read({ username: 'ada', verified_addresses: one }).addresses).to.deep.equal([one])
  })

  for (const [fields, field, code] of [
    [{}, 'username', 'username-missing'],
    [{ username: '\u0000' }, 'username', 'username-unfit'],
    [{ username: 1042 }, 'username', 'username-unfit'],
    [{ username: ['a'], email: 'a@example.com' }, 'username', 'username-unfit'],
    [{ username: 'a', email: 'nobody' }, 'email', 'email-unfit'],
    [{ username: 'a', email: 7 }, 'email', 'email-unfit'],
    [{ username: 'a', password_hash: { hash: BCRYPT } }, 'passwordHash', 'hash-unknown'],
    [{ username: 'a', email_verified: 'maybe' }, 'emailVerified', 'email-verified-unreadable'],
    [{ username: 'a', password_hash: 'hunter2' }, 'passwordHash', 'hash-unknown'],
    [
      { username: 'a', password_hash: BCRYPT.replace('$05', '$31') },
      'passwordHash',
      'hash-too-costly',
    ],
    [{ username: 'a', groups: [1] }, 'groups', 'groups-unreadable'],
    [{ username: 'a', groups: 7 }, 'groups', 'groups-unreadable'],
    [{ username: 'a', groups: ['\u001b]0;x\u0007'] }, 'groups', 'groups-unreadable'],
    [{ username: 'a', email: '\u001bc@example.com' }, 'email', 'email-unfit'],
    [{ username: 'a', verifiedAddresses: 'nobody' }, 'verifiedAddresses', 'addresses-unfit'],
    [{ username: 'a', verifiedAddresses: [7] }, 'verifiedAddresses', 'addresses-unfit'],
    [{ username: 'a', verifiedAddresses: { a: 1 } }, 'verifiedAddresses', 'addresses-unfit'],
    [
      { username: 'a', verifiedAddresses: 'a@b.example, c@d.example, e@f.example' },
      'verifiedAddresses',
      'addresses-too-many',
    ],
    [{ username: 'a', claims: { sub: 'x' } }, 'claims', 'claims-unfit'],
    [{ username: 'a', claims: { birthdate: 'x' } }, 'claims.birthdate', 'claims-unfit'],
    [{ username: 'a', claims: { address: { x: 1 } } }, 'claims.address', 'claims-unfit'],
    [{ username: 'a', claims: { hunter2: 1 } }, 'claims', 'claims-unfit'],
    [{ username: 'a', claims: '{"sub":' }, 'claims', 'claims-unfit'],
  ] as const)
    it(`is refused by field and cause: ${field} ${code}`, () => {
      expect(readPerson(fields)).to.deep.equal({ faults: [{ field, code }] })
    })

  it('R31 R34 is refused without an error and without a word of it, whatever it is', () => {
    const names = [
      'username',
      'email',
      'verifiedAddresses',
      'passwordHash',
      'email_verified',
      'groups',
      'claims',
    ]
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...names), fc.oneof(fc.jsonValue(), fc.string())),
        (fields) => {
          const reading = readPerson(fields)
          if ('faults' in reading)
            for (const { code } of reading.faults) expect(code).to.match(/^[a-z-]+$/)
        },
      ),
    )
  })

  it('keeps the hash of a product in the form in which the password of a sign-in is checked', () => {
    const hash =
      '$argon2id$v=19$m=128,t=2,p=2$c2Vhc2FsdDEyMzQ1Njc4$yTzKAVf+qjoivNFBsUfBVQmP/WmqxGWm9nG1kl3/K4k'
    const reading = readPerson({ username: 'ada', password_hash: `argon2${hash}` })
    expect(reading).to.have.nested.property('person.passwordHash', hash)
    expect(reading).to.have.nested.property('person.hashKind', 'argon2id v=19,m=128,t=2,p=2')
  })
})
