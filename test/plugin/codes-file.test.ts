import { expect } from 'chai'
import { codesFileName } from '../../interactions/mfa/codes-file.ts'
import { HttpClient } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import { secretOf } from '../support/enrolment.ts'
import { follow, showPassword, startHost } from './host.ts'

const NOON = Date.parse('2026-11-28T12:00:00Z') / 1000

describe('the file of backup codes', () => {
  it('has the service and the date in its name', () => {
    expect(codesFileName('Acme', NOON)).to.equal('acme-backup-codes-2026-11-28.txt')
    expect(codesFileName('  Ümläut & Söhne: „Konto“/.. ', NOON)).to.equal(
      'ümläut-söhne-konto-backup-codes-2026-11-28.txt',
    )
    expect(codesFileName('***', NOON)).to.equal('backup-codes-2026-11-28.txt')
  })

  it('is called alike by the page and by the download itself', async () => {
    const host = await startHost()
    const browser = new HttpClient()
    const setUp = await showPassword(host, browser, 'mira')
    const code = totpCode({ secret: secretOf(setUp) }, host.clock.at)
    const codes = await follow(host, browser, await browser.submit(setUp, { code }))
    const [link] = codes.tags('a[download]')
    const file = await browser.get(codes.link('a[download]'))
    expect(link?.download).to.match(/^[\w-]+-backup-codes-\d{4}-\d\d-\d\d\.txt$/)
    expect(file.headers['content-disposition']).to.include(link?.download)
    await host.close()
  })
})
