/*
 * This script asks the browser for a passkey when the button of the page is pressed, and sends its answer. Without it,
 * or without WebAuthn, the page says so and leads to the other ways. On the page of the offer it lets the browser make a
 * passkey without asking, where the browser can.
 */
'use strict'
{
  const form = document.querySelector('form[data-passkey]')
  const asked = form?.querySelector('[data-passkey-ask]')
  const button = asked?.querySelector('button')
  const status = form?.querySelector('[data-passkey-status]')
  const elsewhere = document.querySelector('[data-another-device]')
  const silent = document.querySelector('form[data-passkey-silent]')
  const isAble = Boolean(window.PublicKeyCredential && navigator.credentials)
  // The button that was pressed, until the browser has answered.
  let waiting

  if (silent && isAble) createSilently()
  if (form && isAble) offer()
  else if (form) say('missing')

  // The person does not wait for it: any other form of the page ends the call, and the browser must not keep a passkey
  // that the server does not know.
  async function createSilently() {
    const browser = window.PublicKeyCredential
    const stop = new AbortController()
    for (const other of document.forms)
      if (other !== silent) other.addEventListener('submit', () => stop.abort())
    try {
      const { conditionalCreate = false } = (await browser.getClientCapabilities?.()) ?? {}
      if (!conditionalCreate || stop.signal.aborted) return
      const options = JSON.parse(silent.dataset.passkeyOptions)
      const publicKey = creation(options)
      const { signal } = stop
      const made = await navigator.credentials.create({
        mediation: 'conditional',
        publicKey,
        signal,
      })
      if (signal.aborted)
        await browser.signalUnknownCredential?.({ rpId: options.rp.id, credentialId: made.id })
      else send(silent, made)
    } catch {
      // The browser has none to make, or the person was faster: the page stays as it is.
    }
  }

  function send(to, answer, pressed) {
    to.elements.credential.value = JSON.stringify(asJson(answer))
    to.requestSubmit(pressed)
  }

  function offer() {
    asked.hidden = false
    // A page that the browser has kept must not send the answer of before.
    window.addEventListener('pageshow', () => (form.elements.credential.value = ''))
    document.addEventListener('submit', hold, true)
    if (elsewhere === null) return
    elsewhere.hidden = false
    const other = elsewhere.querySelector('button')
    other.addEventListener('click', () => ask(other, onAnotherDevice))
  }

  // The script of every page must not see a form that is held back: to it, the form would be sent.
  function hold(event) {
    if (event.target !== form || form.elements.credential.value !== '') return
    event.preventDefault()
    event.stopPropagation()
    ask(button)
  }

  // Without transports the browser looks for a passkey on every kind of device, and with the hint it begins with a phone.
  function onAnotherDevice({ allowCredentials, ...more }) {
    const anywhere = allowCredentials.map(({ id, type }) => ({ id, type }))
    return { ...more, allowCredentials: anywhere, hints: ['hybrid', 'security-key'] }
  }

  async function ask(pressed, changed = (options) => options) {
    if (waiting || form.elements.credential.value !== '') return
    waiting = pressed
    waiting.setAttribute('aria-busy', 'true')
    forgetProblem()
    try {
      const options = changed(JSON.parse(form.dataset.passkeyOptions))
      const answer = await call(form.dataset.passkey, options)
      rest()
      send(form, answer, button)
    } catch (error) {
      rest()
      say(wordFor(error.name))
    }
  }

  function rest() {
    waiting?.removeAttribute('aria-busy')
    waiting = undefined
  }

  // A page says one thing at a time.
  function forgetProblem() {
    document.querySelector('main [role=alert]')?.remove()
    status.textContent = ''
  }

  function call(use, options) {
    return use === 'create'
      ? navigator.credentials.create({ publicKey: creation(options) })
      : navigator.credentials.get({ publicKey: request(options) })
  }

  function creation({ challenge, user, excludeCredentials, ...more }) {
    return {
      ...more,
      challenge: bytes(challenge),
      user: { ...user, id: bytes(user.id) },
      excludeCredentials: excludeCredentials.map(descriptor),
    }
  }

  function request({ challenge, allowCredentials, ...more }) {
    const allowed = allowCredentials.map(descriptor)
    return { ...more, challenge: bytes(challenge), allowCredentials: allowed }
  }

  function descriptor({ id, ...more }) {
    return { ...more, id: bytes(id) }
  }

  function asJson({ id, rawId, type, response, authenticatorAttachment }) {
    const parts = {}
    for (const part of [
      'clientDataJSON',
      'attestationObject',
      'authenticatorData',
      'signature',
      'userHandle',
    ])
      if (response[part]) parts[part] = text(response[part])
    if (response.getTransports) parts.transports = response.getTransports()
    return { id, rawId: text(rawId), type, authenticatorAttachment, response: parts }
  }

  // The message for an error of the browser. `NotAllowedError` stands for a refusal and for a time that is over.
  function wordFor(name) {
    if (name === 'NotAllowedError' || name === 'AbortError') return 'cancelled'
    return name === 'InvalidStateError' ? 'registered' : 'failed'
  }

  function say(word) {
    const line = document.createElement('p')
    line.className = word === 'cancelled' ? 'notice' : 'notice error'
    line.dataset.passkeyProblem = word
    line.textContent = status.dataset[word]
    status.replaceChildren(line)
  }

  function bytes(text) {
    const base64 = text.replaceAll('-', '+').replaceAll('_', '/')
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  }

  // The bytes in base64url.
  function text(buffer) {
    const base64 = btoa(String.fromCharCode(...new Uint8Array(buffer)))
    return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  }
}
