import { expect } from 'chai'
import { CLAIMS_OF_SCOPE, readClaims } from '../../../src/server/accounts/claims.ts'

const EVERYTHING = {
  name: 'Jane Q. Doe',
  given_name: 'Jane',
  family_name: 'Doe',
  middle_name: 'Q.',
  nickname: 'JD',
  preferred_username: 'jane',
  profile: 'https://example.com/jane',
  picture: 'https://example.com/jane.png',
  website: 'http://jane.example',
  gender: 'female',
  birthdate: '1987-10-16',
  zoneinfo: 'Europe/Paris',
  locale: 'fr-CA',
  phone_number: '+1 (425) 555-1212',
  phone_number_verified: true,
  address: {
    formatted: '1 Main St\nTown',
    street_address: '1 Main St',
    locality: 'Town',
    region: 'CA',
    postal_code: '12345',
    country: 'US',
  },
  updated_at: 1700000000,
}

function faultsOf(value: unknown): readonly string[] {
  const reading = readClaims(value)
  return reading.ok ? [] : reading.faults
}

describe('the claims of a person', () => {
  it('are all of OpenID Connect Core 5.1, kept as they are, the address apart', () => {
    const reading = readClaims({ ...EVERYTHING, email: 'jane@example.com', email_verified: false })
    expect(reading).to.deep.equal({
      ok: true,
      claims: EVERYTHING,
      email: 'jane@example.com',
      emailVerified: false,
    })
    const scoped = Object.values(CLAIMS_OF_SCOPE).flat()
    expect(scoped).to.have.members([...Object.keys(EVERYTHING), 'email', 'email_verified'])
  })

  it('have the types of the standard; each fault is named by its claim', () => {
    const faults = faultsOf({
      name: 7,
      picture: 'javascript:alert(1)',
      birthdate: '1987-02-30',
      zoneinfo: 'Mars/Olympus',
      phone_number_verified: 'true',
      updated_at: '2020-01-01',
      address: { country: 5, planet: 'Earth' },
    })
    for (const claim of [
      'name',
      'picture',
      'birthdate',
      'zoneinfo',
      'phone_number_verified',
      'updated_at',
      'address.country',
      'address.planet',
    ])
      expect(
        faults.some((fault) => fault.startsWith(`${claim}:`)),
        claim,
      ).to.equal(true)
    expect(faults).to.have.length(8)
  })

  it('have a birthday with its year, without it, or a year alone', () => {
    for (const birthdate of ['1987-10-16', '0000-02-29', '1987'])
      expect(faultsOf({ birthdate }), birthdate).to.deep.equal([])
    for (const birthdate of ['16.10.1987', '1987-13-01', '87', '0000-02-30'])
      expect(faultsOf({ birthdate }), birthdate).to.have.length(1)
  })

  it('never include the subject, which is the server’s to give, or one that no standard knows', () => {
    expect(faultsOf({ sub: 'admin' })).to.deep.equal(['sub: is made by the server'])
    expect(faultsOf({ groups: ['admin'] })).to.deep.equal(['groups: is no standard claim'])
    expect(faultsOf(JSON.parse('{"__proto__": {"name": "x"}}'))).to.have.length(1)
    expect(faultsOf([])).to.have.length(1)
    expect(faultsOf('x')).to.have.length(1)
  })
})
