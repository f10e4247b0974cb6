import { DatabaseSync } from 'node:sqlite'
import { expect } from 'chai'
import { commandLine, type CommandLine, type Ran } from '../command-line.ts'

const SECRET = 'a secret in a file that nobody else reads'
const APP = {
  client_id: 'app',
  client_name: 'App',
  client_secret: SECRET,
  redirect_uris: ['https://app.example/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
}
const { client_secret: _, ...BARE } = APP

interface Applied {
  readonly client_id: string
  readonly result: string
  readonly changes: readonly { readonly member: string }[]
  readonly keeps: readonly { readonly member: string }[]
  readonly client_secret?: string
}

describe('commands about apps', () => {
  let here: CommandLine
  const cli = (line: string | readonly string[]): Promise<Ran> => here.run(line)
  const done = async (line: string | readonly string[]): Promise<Ran> => {
    const ran = await cli(line)
    expect(ran.code, ran.err).to.equal(0)
    return ran
  }
  const apply = async (metadata: object[], options = ''): Promise<Ran> =>
    done(`client apply ${here.file('apps.json', metadata)}${options}`)
  const shown = async (id = 'app'): Promise<object> =>
    (await done(`client show ${id} --json`)).json<object[]>()[0] ?? {}
  const codeOf = ({ err }: Ran): unknown =>
    (JSON.parse(err) as { error: Applied & { code: string } }).error.code

  beforeEach(() => {
    here = commandLine()
  })
  afterEach(() => here.remove())

  describe('client show', () => {
    it('says what the app is, where it is kept and that it has a secret, and shows none (R31)', async () => {
      await apply([APP])
      const { out } = await done('client show app')
      expect(out).to.contain('client_name    App\n').and.contain('(kept in)      storage\n')
      expect(out).to.contain('(secret)       yes\n').and.not.contain(SECRET)
      await done('client add spa --public --redirect-uri https://spa.example/')
      expect((await done('client show spa')).out).to.match(/^\(secret\) +none$/m)
      here.environment['CLIENTS_FILE'] = here.file('file.json', [{ ...APP, client_id: 'filed' }])
      expect((await done('client show filed')).out).to.match(/^\(kept in\) +CLIENTS_FILE$/m)
    })

    it('answers with JSON that `client apply` takes, with no change', async () => {
      await apply([APP])
      const { json } = await done('client show app --json')
      expect(json()).to.deep.equal([BARE])
      const [again] = (await apply(json<object[]>(), ' --json')).json<Applied[]>()
      expect(again).to.include({ result: 'unchanged' })
      const [replaced] = (await apply(json<object[]>(), ' --replace --json')).json<Applied[]>()
      expect(replaced).to.include({ result: 'unchanged' })
    })

    it('names a member that has no effect, and not its value: it may be a misspelt secret', async () => {
      await apply([{ ...APP, client_secert: 'hush' }])
      const { out } = await done('client show app')
      expect(out).to.contain('client_secert').and.not.contain('hush')
      expect(await shown()).to.deep.equal(BARE)
    })

    it('refuses an app that is not there', async () => {
      expect(codeOf(await cli('client show nobody --json'))).to.equal('client-unknown')
    })
  })

  describe('client update', () => {
    it('changes, adds and removes members, says which, and keeps the others', async () => {
      await apply([APP])
      const { out } = await done([
        ...'client update app --name Notes --redirect-uri https://app.example/one'.split(' '),
        ...'--redirect-uri https://app.example/two --set default_max_age=300'.split(' '),
        ...'--unset grant_types'.split(' '),
      ])
      expect(out.split('\n')).to.have.members([
        'app: changed',
        '  client_name: "App" -> "Notes"',
        '  redirect_uris: ["https://app.example/callback"] -> ["https://app.example/one","https://app.example/two"]',
        '  grant_types: ["authorization_code","refresh_token"] -> not set, which means ["authorization_code"]',
        '  default_max_age: not set -> 300',
        '',
      ])
      expect(await shown()).to.deep.equal({
        client_id: 'app',
        client_name: 'Notes',
        redirect_uris: ['https://app.example/one', 'https://app.example/two'],
        default_max_age: 300,
      })
    })

    it('adds refresh tokens to what the app may use, and says the default of our own members', async () => {
      await apply([
        { ...BARE, client_secret: SECRET, grant_types: ['authorization_code'], mfa: 'required' },
      ])
      await done('client update app --refresh')
      expect(await shown()).to.deep.include({
        grant_types: ['authorization_code', 'refresh_token'],
      })
      expect((await done('client update app --unset mfa')).out).to.contain(
        'mfa: "required" -> not set, which means "optional"',
      )
    })

    it('changes nothing twice, and nothing with --dry-run', async () => {
      await apply([APP])
      expect((await done('client update app --name Notes --dry-run')).out).to.equal(
        'app: changed\n  client_name: "App" -> "Notes"\n--dry-run: nothing was changed.\n',
      )
      expect(await shown()).to.include({ client_name: 'App' })
      await done('client update app --name Notes')
      expect((await done('client update app --name Notes')).out).to.equal('app: unchanged\n')
      expect((await done('client update app --unset tos_uri')).out).to.equal('app: unchanged\n')
      const { entries } = (await done('audit --json')).json<{ entries: { type: string }[] }>()
      const types = entries.map(({ type }) => type)
      expect(types.filter((type) => type === 'client-changed')).to.have.length(1)
    })

    it('makes a secret for an app that begins to need one, and forgets that of one that has stopped', async () => {
      await done('client add spa --public --redirect-uri https://spa.example/')
      const line = 'client update spa --set token_endpoint_auth_method='
      const [made] = (await done(`${line}client_secret_post --json`)).json<Applied[]>()
      expect(made?.client_secret).to.match(/^[\w-]{43}$/)
      expect((await done('client show spa')).out).to.match(/^\(secret\) +yes$/m)
      expect((await done(`${line}none`)).out).to.contain('  client_secret: removed\n')
      expect((await done('client show spa')).out).to.match(/^\(secret\) +none$/m)
    })

    it('refuses what is no change of an app', async () => {
      await apply([APP])
      const wrong = [
        '',
        ' --set client_secret=hush',
        ' --unset client_secret',
        ' --set client_id=other',
        ' --unset client_id',
        ' --name One --set client_name=Two',
        ' --name One --unset client_name',
        ' --refresh --unset grant_types',
        ' --refresh --set grant_types=[]',
      ]
      for (const options of wrong)
        expect((await cli(`client update app${options}`)).code, options).to.equal(2)
      const unfit = await cli('client update app --unset redirect_uris --json')
      expect(codeOf(unfit)).to.equal('client-invalid')
      expect(codeOf(await cli('client update nobody --name N --json'))).to.equal('client-unknown')
      expect(await shown()).to.deep.equal(BARE)
    })

    it('leaves an app of CLIENTS_FILE to its file', async () => {
      here.environment['CLIENTS_FILE'] = here.file('file.json', [APP])
      expect(codeOf(await cli('client update app --name N --json'))).to.equal('client-read-only')
    })
  })

  describe('client rotate-secret', () => {
    it('prints the new secret once, and says until when the former one holds', async () => {
      await apply([APP])
      const { out } = await done('client rotate-secret app')
      const [, secret = '', until = ''] =
        /shown this once\): ([\w-]{43})\n.*holds until (\S+)\.\n$/.exec(out) ?? []
      expect(Date.parse(until) - Date.now()).to.be.within(23.9 * 3_600_000, 24 * 3_600_000)
      const rest = await done('client show app')
      expect(rest.out).to.contain(`holds until ${until}\n`)
      const doctor = await cli('doctor')
      expect(doctor.out).to.match(/clients +ok +app: its former secret holds until 20/)
      for (const text of [rest.out, doctor.out, (await done('client list --json')).out])
        expect(text).not.to.contain(secret).and.not.to.contain(SECRET)
      expect(await shown()).to.deep.equal(BARE)
    })

    it('has the doctor warn of a former secret that no key opens', async () => {
      await apply([APP])
      await done('client rotate-secret app')
      const database = new DatabaseSync(here.environment['STORAGE_URL']!.slice('sqlite:'.length))
      database.exec(
        "UPDATE clients SET metadata = json_set(metadata, '$.sealed_former_client_secret', 'x')",
      )
      database.close()
      const { out } = await cli('doctor')
      expect(out).to.match(/clients +warning +app: its former secret does not open/)
      expect(out).not.to.contain('its former secret holds')
    })

    it('ends the former secret at once with --overlap 0', async () => {
      await apply([APP])
      const rotated = (await done('client rotate-secret app --overlap 0 --json')).json()
      expect(rotated).to.include({ client_id: 'app', former_secret_until: null })
      expect((await done('client show app')).out).not.to.contain('holds')
    })

    it('refuses an app without a secret, one of CLIENTS_FILE, and an unfit overlap', async () => {
      await done('client add spa --public --redirect-uri https://spa.example/')
      here.environment['CLIENTS_FILE'] = here.file('file.json', [APP])
      const refusal = async (rest: string): Promise<unknown> =>
        codeOf(await cli(`client rotate-secret ${rest} --json`))
      expect(await refusal('spa')).to.equal('client-without-secret')
      expect(await refusal('app')).to.equal('client-read-only')
      expect(await refusal('nobody')).to.equal('client-unknown')
      for (const hours of ['-1', '721', 'soon', '1.5'])
        expect(await refusal(`spa --overlap=${hours}`), hours).to.equal('overlap')
    })
  })

  describe('client apply', () => {
    it('prints what it adds and changes, and no secret (R31)', async () => {
      expect((await apply([APP])).out.split('\n')).to.deep.equal([
        'app: added',
        '  client_name: "App"',
        '  client_secret: added',
        '  redirect_uris: ["https://app.example/callback"]',
        '  grant_types: ["authorization_code","refresh_token"]',
        '',
      ])
      const other = 'another secret in a file that nobody else reads'
      const { out } = await apply([{ ...APP, client_name: 'New', client_secret: other }])
      expect(out).to.equal(
        'app: changed\n  client_name: "App" -> "New"\n  client_secret: changed\n',
      )
      const unknown = { ...APP, client_name: 'New', client_secret: other, client_secert: 'hush' }
      expect((await apply([unknown])).out).to.equal(
        'app: changed\n  client_secert: added\napp: client_secert is not known and has no effect\n',
      )
    })

    it('keeps a member that the file lacks, and names it', async () => {
      await apply([APP])
      const { grant_types: __, ...without } = BARE
      const { out } = await apply([{ ...without, client_name: 'New' }])
      expect(out.split('\n')).to.have.members([
        'app: changed',
        '  client_name: "App" -> "New"',
        '  keeps client_secret',
        '  keeps grant_types: ["authorization_code","refresh_token"] (not in the file; --replace removes it)',
        '',
      ])
      expect(await shown()).to.deep.equal({ ...BARE, client_name: 'New' })
    })

    it('--replace removes what the file lacks and says what that means, but never the secret that an app needs', async () => {
      await apply([APP])
      const { grant_types: __, ...without } = BARE
      const lines = [
        'app: changed',
        '  grant_types: ["authorization_code","refresh_token"] -> not set, which means ["authorization_code"]',
        '  keeps client_secret',
      ]
      const dry = await apply([without], ' --replace --dry-run')
      expect(dry.out).to.equal(`${[...lines, '--dry-run: nothing was changed.'].join('\n')}\n`)
      expect(await shown()).to.deep.equal(BARE)
      expect((await apply([without], ' --replace')).out).to.equal(`${lines.join('\n')}\n`)
      expect(await shown()).to.deep.equal(without)
      const again = (await apply([without], ' --replace --json')).json<Applied[]>()
      expect(again).to.deep.equal([
        {
          client_id: 'app',
          result: 'unchanged',
          changes: [],
          keeps: [{ member: 'client_secret' }],
        },
      ])
    })
  })
})
