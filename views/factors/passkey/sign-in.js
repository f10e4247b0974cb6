/*
 * This script offers a passkey on a login page: by the browser's autofill of the user name, and by a button. It shows
 * the form, asks the browser, and sends the answer. It renews the options before their time is over.
 */
'use strict'
{
  const RENEW_BEFORE_MILLISECONDS = 30_000
  const RENEW_AGAIN_MILLISECONDS = 10_000
  const form = document.querySelector('form[data-passkey-sign-in]')
  const status = form.querySelector('[data-passkey-status]')
  const button = form.querySelector('button')
  const refusal = form.querySelector('[role=alert]')
  const isRefused = refusal !== null
  let autofill
  let isAsking = false
  let isSent = false
  let renewing

  if (window.PublicKeyCredential && navigator.credentials) offer()
  forgetUnknown()

  function offer() {
    form.hidden = false
    refusal?.focus()
    // A page that the browser has kept must neither send the answer of before nor use its options.
    window.addEventListener('pageshow', ({ persisted }) => {
      form.elements.credential.value = ''
      isSent = false
      if (persisted) renew()
    })
    document.addEventListener('submit', hold, true)
    renewLater()
    // After a refusal the person presses the button: the autofill would answer with the same passkey.
    if (!isRefused) fill()
  }

  // The script of every page must not see a form that is held back: to it, the form would be sent.
  function hold(event) {
    if (event.target !== form) return leave()
    if (form.elements.credential.value !== '') return
    event.preventDefault()
    event.stopPropagation()
    if (!isAsking) ask()
  }

  // No account has the passkey that was refused: the browser's store may forget it.
  async function forgetUnknown() {
    const { passkeyUnknown: credentialId, passkeyOptions } = form.dataset
    if (!credentialId) return
    try {
      const { rpId } = JSON.parse(passkeyOptions)
      await window.PublicKeyCredential?.signalUnknownCredential?.({ rpId, credentialId })
    } catch {
      // A browser may refuse: nothing here depends on it.
    }
  }

  // The browser lists the passkeys among the names that it knows, and shows nothing else until one is chosen.
  async function fill() {
    if (!(await window.PublicKeyCredential.isConditionalMediationAvailable?.())) return
    announce()
    stopFilling()
    const controller = new AbortController()
    autofill = controller
    try {
      await request({ mediation: 'conditional', signal: controller.signal })
    } catch {
      // Nothing was chosen, or the button was pressed meanwhile.
    }
  }

  // Browsers offer passkeys in a field that says so.
  function announce() {
    for (const field of document.querySelectorAll('input[autocomplete]'))
      if (/(^| )(username|email)$/.test(field.autocomplete))
        field.autocomplete = `${field.autocomplete} webauthn`
  }

  function stopFilling() {
    autofill?.abort()
    autofill = undefined
  }

  async function ask() {
    isAsking = true
    // A page says one thing at a time.
    refusal?.remove()
    status.textContent = ''
    stopFilling()
    button.setAttribute('aria-busy', 'true')
    try {
      await request({})
    } catch ({ name }) {
      button.removeAttribute('aria-busy')
      say(name === 'NotAllowedError' || name === 'AbortError' ? 'cancelled' : 'failed')
      if (!isRefused) fill()
    } finally {
      isAsking = false
    }
  }

  async function request(how) {
    const { challenge, ...more } = JSON.parse(form.dataset.passkeyOptions)
    const publicKey = { ...more, challenge: bytes(challenge) }
    const answer = await navigator.credentials.get({ ...how, publicKey })
    if (isSent) return
    isSent = true
    button.removeAttribute('aria-busy')
    form.elements.credential.value = JSON.stringify(asJson(answer))
    form.requestSubmit(button)
  }

  function renewLater() {
    clearTimeout(renewing)
    const { timeout } = JSON.parse(form.dataset.passkeyOptions)
    renewing = setTimeout(renew, Math.max(timeout - RENEW_BEFORE_MILLISECONDS, 1000))
  }

  // It is tried again while the browser asks the person, or the network is away: a device that has slept has none at
  // first. Where nothing helps, the form is refused once and comes back with fresh options.
  async function renew() {
    clearTimeout(renewing)
    if (isSent) return
    renewing = setTimeout(renew, RENEW_AGAIN_MILLISECONDS)
    if (isAsking) return
    try {
      const answer = await fetch(form.action, { headers: { Accept: 'application/json' } })
      // The sign-in is over.
      if (answer.status >= 400 && answer.status < 500) clearTimeout(renewing)
      if (!answer.ok) return
      const { options } = await answer.json()
      form.dataset.passkeyOptions = options
    } catch {
      return
    }
    if (isSent) return
    renewLater()
    if (!isAsking && !isRefused) fill()
  }

  // The page goes on with a password.
  function leave() {
    clearTimeout(renewing)
    stopFilling()
  }

  function asJson({ id, rawId, type, response, authenticatorAttachment }) {
    const parts = {}
    for (const part of ['clientDataJSON', 'authenticatorData', 'signature', 'userHandle'])
      if (response[part]) parts[part] = text(response[part])
    return { id, rawId: text(rawId), type, authenticatorAttachment, response: parts }
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
