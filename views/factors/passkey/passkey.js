/*
 * This script asks the browser for a passkey when the button of the page is pressed, and sends its answer. Without it,
 * or without WebAuthn, the page says so and leads to the other ways.
 */
'use strict'
{
  const form = document.querySelector('form[data-passkey]')
  const button = form.querySelector('button')
  const status = form.querySelector('[data-passkey-status]')
  const elsewhere = document.querySelector('[data-another-device]')
  let waiting = false

  if (window.PublicKeyCredential && navigator.credentials) offer()
  else say('missing')

  function offer() {
    button.hidden = false
    // A page that the browser has kept must not send the answer of before.
    window.addEventListener('pageshow', () => (form.elements.credential.value = ''))
    form.addEventListener('submit', (event) => {
      if (form.elements.credential.value !== '') return
      event.preventDefault()
      if (!waiting) ask()
    })
    if (elsewhere === null) return
    elsewhere.hidden = false
    elsewhere.querySelector('button').addEventListener('click', () => {
      if (!waiting) ask(onAnotherDevice)
    })
  }

  // Without transports the browser looks for a passkey on every kind of device, and with the hint it begins with a phone.
  function onAnotherDevice({ allowCredentials, ...more }) {
    const anywhere = allowCredentials.map(({ id, type }) => ({ id, type }))
    return { ...more, allowCredentials: anywhere, hints: ['hybrid', 'security-key'] }
  }

  async function ask(changed = (options) => options) {
    waiting = true
    status.textContent = ''
    try {
      const options = changed(JSON.parse(form.dataset.passkeyOptions))
      const answer = await call(form.dataset.passkey, options)
      form.elements.credential.value = JSON.stringify(asJson(answer))
      form.requestSubmit(button)
    } catch (error) {
      say(wordFor(error.name))
    } finally {
      waiting = false
    }
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
    line.className = 'error'
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
