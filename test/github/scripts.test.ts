import { expect } from 'chai'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/*
 * No container engine runs where these tests do. The scripts run against a `docker` that notes how it is called and
 * answers as the engine would: that shows their order, their options and their verdict, and nothing about the image.
 */
describe('the scripts that need a container engine', () => {
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'oidc-provider-mfa-docker-'))
    program(
      'docker',
      `printf '%s\\n' "$*" >> ${folder}/calls
      case "$*" in
        *State.Health*) echo healthy ;;
        *State.ExitCode*) echo "$EXIT_CODE" ;;
        *isWritablePrimary*) echo true ;;
      esac`,
    )
    program('curl', `printf 'curl %s\\n' "$*" >> ${folder}/calls; exit "$CURL_EXIT_CODE"`)
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  function program(name: string, body: string): void {
    writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`)
    chmodSync(join(folder, name), 0o755)
  }

  function run(script: string, answers: Readonly<Record<string, string>> = {}) {
    const { status, stderr } = spawnSync(join(ROOT, '.ci', script), {
      encoding: 'utf8',
      env: {
        ...process.env,
        PATH: [folder, process.env.PATH].join(delimiter),
        EXIT_CODE: '0',
        CURL_EXIT_CODE: '0',
        ...answers,
      },
    })
    const calls = join(folder, 'calls')
    const lines = existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []
    return { status, stderr, verbs: lines.map((line) => line.split(' ')[0]), lines }
  }

  it('build the image, start it, ask it and stop it, and leave no container behind', () => {
    const { status, verbs, lines } = run('image')
    expect(status).to.equal(0)
    expect(verbs.filter((verb) => verb !== 'inspect')).to.deep.equal([
      'build',
      'run',
      'curl',
      'stop',
      'logs',
      'rm',
    ])
    const started = lines.find((line) => line.startsWith('run ')) ?? ''
    for (const option of ['--read-only', '--cap-drop ALL', '--publish 127.0.0.1:3000:3000'])
      expect(started).to.contain(option)
    expect(lines.join('\n')).to.match(/curl .* http:\/\/127\.0\.0\.1:3000\/health\/live$/m)
  })

  it('fail where the server does not answer, and where the signal did not end it in time', () => {
    expect(run('image', { CURL_EXIT_CODE: '22' }).status).to.equal(22)
    const killed = run('image', { EXIT_CODE: '137' })
    expect(killed.status).to.equal(1)
    expect(killed.stderr).to.contain('ended with 137 on SIGTERM')
    expect(killed.verbs.at(-1)).to.equal('rm')
  })

  it('start one mongod as a replica set and wait for its primary', () => {
    const { status, lines } = run('mongod')
    expect(status).to.equal(0)
    expect(lines[0]).to.match(/^run .* mongod --replSet rs0 /)
    expect(lines[1]).to.match(/^exec .* rs\.initiate\(/)
    expect(lines.at(-1)).to.contain('isWritablePrimary')
  })
})
