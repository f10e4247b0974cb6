import type { Claims, SignedIn } from './sessions.ts'

export const APP_NAME = 'Fieldnotes'

/** The name in `body[data-page]`, on which tests and scripts can rely. */
export type PageName = 'rp-home' | 'rp-signed-in' | 'rp-transfer' | 'rp-transferred' | 'rp-error'

export function homePage(options: { issuer: string; signedOut: boolean }): string {
  return page(
    'rp-home',
    APP_NAME,
    `${options.signedOut ? '<p class="notice" role="status">You are signed out.</p>' : ''}
    <h1>Welcome to ${APP_NAME}</h1>
    <p class="lead">A demonstration of an application that leaves signing in to
      <b>${escape(new URL(options.issuer).host)}</b>. It never sees your password or your codes.</p>
    <div class="actions">
      <a class="button" href="/sign-in">Sign in</a>
      <a class="button quiet" href="/step-up">Sign in with a second factor</a>
    </div>
    <p class="hint">The second button asks for the level <em>multi-factor</em> and takes nothing less.</p>`,
  )
}

export function signedInPage(signedIn: SignedIn): string {
  const { claims, userinfo } = signedIn
  const name = [
    userinfo['name'],
    userinfo['preferred_username'],
    userinfo['email'],
    claims['sub'],
  ].find((each) => typeof each === 'string')
  return page(
    'rp-signed-in',
    `Signed in - ${APP_NAME}`,
    `<h1>You are signed in</h1>
    <p class="lead">as <b>${escape(String(name))}</b></p>
    <div class="actions side">
      <a class="button" href="/step-up">Step up</a>
      <a class="button" href="/transfer">Transfer money</a>
      <form method="post" action="/sign-out"><button class="quiet">Sign out</button></form>
    </div>
    <h2>What the ID token says</h2>
    ${table(claims, 'claim')}
    <h2>What the provider tells about you</h2>
    ${table(userinfo, 'userinfo')}`,
    true,
  )
}

/** The page that asks before money is sent, and the one after it. Nothing is sent: this is a demonstration. */
export function transferPage(step: 'ask' | 'sent'): string {
  if (step === 'sent')
    return page(
      'rp-transferred',
      `Money sent - ${APP_NAME}`,
      `<p class="notice" role="status">10 euros are on their way.</p>
      <h1>Money sent</h1>
      <p class="hint">This is a demonstration: no money was moved.</p>
      <div class="actions"><a class="button" href="/">Back to the start</a></div>`,
    )
  return page(
    'rp-transfer',
    `Transfer money - ${APP_NAME}`,
    `<h1>Transfer money</h1>
    <p class="lead">You have shown a second factor in the last 5 minutes.</p>
    <form method="post" action="/transfer" class="actions"><button>Send 10 euros</button></form>
    <p class="hint">This app asks for a second factor again once yours is older than 5 minutes.</p>`,
  )
}

export function errorPage(options: { error: string; text: string; description?: string }): string {
  const { error, text, description } = options
  return page(
    'rp-error',
    `Error: ${APP_NAME}`,
    `<h1>That did not work</h1>
    <div class="notice bad" role="alert">
      <p>${escape(text)}</p>
      <p class="hint"><code data-error>${escape(error)}</code>${
        description === undefined ? '' : ` ${escape(description)}`
      }</p>
    </div>
    <div class="actions"><a class="button" href="/">Back to the start</a></div>`,
  )
}

/** The claims that are shown first, in this order. The others follow in the order in which they came. */
const ORDER = ['sub', 'acr', 'amr', 'auth_time', 'iss', 'aud', 'iat', 'exp']

const MEANING: Readonly<Record<string, string>> = {
  sub: 'Who you are, to this app',
  acr: 'The level that was reached',
  amr: 'How it was proved',
  auth_time: 'When you last proved it',
  iss: 'Who says so',
  aud: 'To whom',
  iat: 'Said at',
  exp: 'Good until',
  sid: 'Your session at the provider',
  nonce: 'Ties the answer to this browser',
}

const TIMES = ['auth_time', 'iat', 'exp', 'updated_at']

function table(claims: Claims, attribute: 'claim' | 'userinfo'): string {
  const names = [
    ...ORDER.filter((name) => name in claims),
    ...Object.keys(claims).filter((name) => !ORDER.includes(name)),
  ]
  const rows = names.map((name) => {
    const value = claims[name]
    const note =
      TIMES.includes(name) && typeof value === 'number'
        ? new Date(value * 1000).toISOString().replace('T', ' ').replace('.000Z', ' UTC')
        : undefined
    const about = [MEANING[name], note].filter((each) => each !== undefined).join(': ')
    return `<tr><th scope="row"><code>${escape(name)}</code>${
      about === '' ? '' : `<small>${escape(about)}</small>`
    }</th><td data-${attribute}="${escape(name)}">${escape(show(value))}</td></tr>`
  })
  return `<table><tbody>${rows.join('\n')}</tbody></table>`
}

function show(value: unknown): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value) && value.every((each) => typeof each === 'string'))
    return value.join(' ')
  return JSON.stringify(value)
}

/** The logo as a file. Its style sheet cannot reach it there. */
export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#1f5fbf"/>
<path d="M11 24V9h11M11 16h8" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/></svg>`

const LOGO = `<svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8"/>
<path d="M11 24V9h11M11 16h8"/></svg>`

function page(name: PageName, title: string, main: string, wide = false): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<link rel="icon" type="image/svg+xml" href="/icon.svg">
<link rel="stylesheet" href="/style.css">
</head>
<body data-page="${name}">
<header><a href="/">${LOGO}<span>${APP_NAME}</span></a></header>
<main${wide ? ' class="wide"' : ''}>
    ${main}
</main>
<footer>A demonstration relying party</footer>
</body>
</html>
`
}

function escape(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replaceAll(/[&<>"]/g, (character) => entities[character] ?? '')
}
