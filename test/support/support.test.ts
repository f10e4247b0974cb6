import { expect } from 'chai'
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Browser } from 'playwright-core'
import { axeFindings, launchBrowser, newPerson, pageName } from './browser.ts'
import { CookieJar } from './cookie-jar.ts'
import { HttpClient } from './http-client.ts'
import { MONGOOSE_SUITES } from './mongoose-suites.ts'
import { namedNode } from './node-versions.ts'
import { usualParts, WITH_DEADLINES } from './parts.ts'
import { ending, sumOf } from './reporter.ts'
import { requireBrowser, requireTool, skipped } from './requirements.ts'
import { oathtoolCode, ownCode } from './totp.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const PAGE = `<!doctype html><html lang="en"><head><title>T</title></head><body data-page="sample">
<main><h1>A &amp; B</h1><p role="alert">It was <b>refused</b>.</p>
<form method="post" action="/next?a=1&amp;b=2"><input type="hidden" name="csrf" value="x&quot;y">
<label>Code <input name="code"></label><input type="checkbox" name="off" aria-label="off">
<input type="checkbox" name="on" checked aria-label="on"><button name="go" value="1">Go</button></form>
<a href="/other" data-other-way>Other</a></main></body></html>`

describe('the means of the tests', () => {
  describe('the HTTP client', () => {
    let server: Server
    let base: string
    let seen: { method: string; url: string; body: string; headers: Record<string, unknown> }[]

    before(async () => {
      server = createServer((request, response) => {
        let body = ''
        request.on('data', (chunk: Buffer) => (body += chunk.toString()))
        request.on('end', () => {
          const { method = '', url = '', headers } = request
          seen.push({ method, url, body, headers })
          if (url === '/page') response.end(PAGE)
          else if (url.startsWith('/next'))
            response
              .writeHead(303, {
                location: '/deep/end',
                'set-cookie': ['a=1; Path=/; HttpOnly', 'b=2; Path=/deep', 'c=3; Path=/other'],
              })
              .end()
          else if (url === '/loop') response.writeHead(302, { location: '/loop' }).end()
          else response.setHeader('set-cookie', 'a=; Max-Age=0; Path=/').end('end')
        })
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    })
    beforeEach(() => (seen = []))
    after(() => void server.close())

    it('reads the page, its alert, its form and its links', async () => {
      const page = await new HttpClient().get(`${base}/page`)
      expect([page.status, page.name, page.alert]).to.deep.equal([
        200,
        'sample',
        'It was refused .',
      ])
      expect(page.text).to.contain('A & B')
      expect(page.form().fields).to.deep.equal({ csrf: 'x"y', code: '', on: 'on' })
      expect(page.link('[data-other-way]').pathname).to.equal('/other')
      expect(page.tags('input[name=csrf]')).to.deep.equal([
        { type: 'hidden', name: 'csrf', value: 'x"y' },
      ])
      expect(() => page.form('form ~ form')).to.throw(/No form ~ form on sample/)
    })

    it('sends a form like a browser and keeps cookies by their path', async () => {
      const client = new HttpClient()
      const answer = await client.submit(await client.get(`${base}/page`), { code: '123' })
      expect(answer.location?.pathname).to.equal('/deep/end')
      expect(seen[1]).to.deep.include({ method: 'POST', url: '/next?a=1&b=2' })
      expect(seen[1]?.body).to.equal('csrf=x%22y&code=123&on=on&go=1')
      expect(seen[1]?.headers).to.include({ origin: base, 'sec-fetch-site': 'same-origin' })
      const end = await client.follow(answer)
      expect(end.body).to.equal('end')
      expect(seen[2]?.headers).to.include({ cookie: 'b=2; a=1' })
      expect(client.jar.all().map(({ key }) => key)).to.deep.equal(['b', 'c'])
    })

    it('stops before an address it is told to, and in a circle', async () => {
      const client = new HttpClient()
      const stopped = await client.follow(
        await client.post(`${base}/next`, {}),
        (url) => url.pathname === '/deep/end',
      )
      expect(stopped.status).to.equal(303)
      expect(await refusalOf(client.visit(`${base}/loop`))).to.match(/Redirects without end/)
    })

    it('stands for a proxy in front of an https origin', async () => {
      const origins = {
        'https://id.example': { url: base, headers: { 'x-forwarded-proto': 'https' } },
      }
      await new HttpClient({ origins }).get('https://id.example/page')
      expect(seen[0]?.headers).to.include({ host: 'id.example', 'x-forwarded-proto': 'https' })
    })
  })

  describe('the cookie jar', () => {
    const HTTPS = new URL('https://id.example/a/b')
    const PLAIN = new URL('http://id.example/a/b')
    const keep = (url: URL, ...headers: string[]): CookieJar => {
      const jar = new CookieJar()
      jar.store(url, headers)
      return jar
    }

    it('keeps no cookie that breaks the promise of its prefix, and no Secure one from plain HTTP', () => {
      const cookies = ['__Host-a=1; Secure; Path=/a', '__Secure-b=1', '__Host-c=1; Secure; Path=/']
      expect(keep(HTTPS, ...cookies).header(HTTPS)).to.equal('__Host-c=1')
      expect(keep(PLAIN, 'd=1; Secure').all()).to.deep.equal([])
    })

    it('sends a Secure cookie over HTTPS and to this machine only', () => {
      const jar = keep(HTTPS, 'a=1; Secure; Path=/')
      expect([jar.header(HTTPS), jar.header(PLAIN)]).to.deep.equal(['a=1', undefined])
      const here = new URL('http://127.0.0.1:3000/')
      expect(keep(here, 'a=1; Secure').header(here)).to.equal('a=1')
    })

    it('drops what has expired and what it is told to drop, and copies the others', () => {
      const jar = keep(HTTPS, 'a=1', 'b=1', 'c=1; Max-Age=0', 'd=1')
      const copy = jar.copy()
      jar.delete('a')
      copy.delete('d')
      expect([jar.header(HTTPS), copy.header(HTTPS)]).to.deep.equal(['b=1; d=1', 'a=1; b=1'])
      expect(keep(HTTPS, 'e=1; Max-Age=0').all()).to.deep.equal([])
    })
  })

  describe('the sums of a run', () => {
    it('add up what each of its parts came to, below the names of the failed tests', () => {
      const parts = [
        { passed: 1, failed: 0, skipped: 2, failures: [] },
        {
          passed: 10,
          failed: 1,
          skipped: 0,
          failures: ['a page answers: expected 200 to equal 404'],
        },
      ]
      expect(ending(sumOf(parts)).split('\n')).to.deep.equal([
        '  Failed: a page answers: expected 200 to equal 404',
        '',
        '11 passed, 1 failed, 2 skipped',
      ])
    })
  })

  describe('the parts of a run', () => {
    /** The suites that mocha runs with these arguments: globs, and each `--ignore` with its glob. */
    function suitesOf(args: readonly string[]): string[] {
      const isIgnored = (at: number): boolean => args[at - 1] === '--ignore'
      const globs = args.filter((arg, at) => arg !== '--ignore' && !isIgnored(at))
      const exclude = args.filter((_, at) => isIgnored(at))
      return globSync(globs, { cwd: ROOT, exclude })
    }

    it('have each suite once, and leave those with deadlines to the end', () => {
      const parts = [...usualParts(), WITH_DEADLINES].map(suitesOf)
      for (const suites of parts) expect(suites).not.to.have.length(0)
      expect(parts.flat().sort()).to.deep.equal(globSync('test/**/*.test.ts', { cwd: ROOT }).sort())
    })
  })

  describe('another version of Node', () => {
    it('is the oldest that package.json promises, or the one that is named', () => {
      expect(namedNode('oldest', '>=22.18')).to.equal('22.18')
      expect(namedNode('24', '>=22.18')).to.equal('24')
    })

    it('is refused where neither says one', () => {
      expect(() => namedNode(undefined, '>=22.18')).to.throw(/Name a version/)
      expect(() => namedNode('latest', '>=22.18')).to.throw(/Name a version/)
      expect(() => namedNode('oldest', '^22 || ^24')).to.throw(/no plain lower bound/)
    })
  })

  describe('another version of Mongoose', () => {
    const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

    it('is what `mongoose` names, in an import and in a require', () => {
      const preload = pathToFileURL(join(ROOT, 'test/support/mongoose-8.ts')).href
      const program = `import mongoose from 'mongoose'
        import { createRequire } from 'node:module'
        console.log(mongoose.version, createRequire(import.meta.url)('mongoose') === mongoose)`
      const answer = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
        cwd: ROOT,
        encoding: 'utf8',
        env: { ...process.env, NODE_OPTIONS: `--import=${preload}` },
      })
      expect(answer).to.match(/^8\.\S+ true$/m)
    })

    it('meets every suite that uses Mongoose, or one that installs the version by itself', () => {
      const uses =
        /from 'mongoose'|adapters\/mongoose\/|require(Own)?Mongodb|SERVER_PLACES|mongodbPlace/
      const found = globSync('test/**/*.test.ts', { cwd: ROOT }).filter((file) =>
        uses.test(read(file)),
      )
      const others = ['architecture', 'packaging/package', 'support/support']
      expect(found.sort()).to.deep.equal(
        globSync([...MONGOOSE_SUITES, ...others.map((name) => `test/${name}.test.ts`)], {
          cwd: ROOT,
        }).sort(),
      )
    })
  })

  describe('what a machine may lack', () => {
    const kept = { ...process.env }
    afterEach(() => {
      for (const name of ['CHROMIUM_PATH', 'REQUIRE_BROWSER'])
        if (kept[name] === undefined) delete process.env[name]
        else process.env[name] = kept[name]
    })
    const context = {
      skip: () => {
        throw new Error('skipped')
      },
    } as unknown as Mocha.Context

    it('is skipped with its reason, or fails where it must not be missing', () => {
      const before = new Set(skipped)
      Object.assign(process.env, { CHROMIUM_PATH: '/nowhere', REQUIRE_BROWSER: '' })
      expect(() => requireBrowser(context)).to.throw('skipped')
      expect([...skipped].join()).to.contain('apt-get install chromium')
      process.env['REQUIRE_BROWSER'] = '1'
      expect(() => requireBrowser(context)).to.throw(/Chromium is missing.*REQUIRE_BROWSER=1/)
      skipped.clear()
      before.forEach((reason) => skipped.add(reason))
    })
  })

  describe('the authenticator', () => {
    it('agrees with the vectors of RFC 6238', () => {
      const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
      expect(ownCode({ secret, digits: 8 }, 59)).to.equal('94287082')
      expect(ownCode({ secret, digits: 8 }, 20_000_000_000)).to.equal('65353130')
    })

    it('agrees with oathtool', function () {
      requireTool(this, 'oathtool')
      for (const algorithm of ['SHA1', 'SHA256', 'SHA512'] as const) {
        const authenticator = { secret: 'JBSW Y3DP EHPK 3PXP', algorithm, periodSeconds: 60 }
        expect(ownCode(authenticator, 1_700_000_000)).to.equal(
          oathtoolCode(authenticator, 1_700_000_000),
        )
      }
    })
  })

  describe('the browser', () => {
    let browser: Browser
    before(async function () {
      browser = await launchBrowser(this)
    })
    after(() => browser?.close())

    it('opens a page, with and without JavaScript, and lets axe look at it', async () => {
      const { context, page } = await newPerson(browser)
      await page.setContent(PAGE)
      expect(await pageName(page)).to.equal('sample')
      expect(await axeFindings(page)).to.deep.equal([])
      await page.setContent(PAGE.replace('lang="en"', ''))
      expect((await axeFindings(page)).join()).to.contain('html-has-lang')
      await context.close()

      const without = await newPerson(browser, { javaScript: false })
      await without.page.goto(
        `data:text/html,${encodeURIComponent('<body data-page="a"><script>document.body.dataset.page="b"</script>')}`,
      )
      expect(await pageName(without.page)).to.equal('a')
      await without.context.close()
    })
  })
})

async function refusalOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    return String(error)
  }
  throw new Error('It was not refused.')
}
