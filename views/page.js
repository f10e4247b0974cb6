/**
 * Each page works without this script. Parts that need it are `hidden` until it has run. The braces keep the names of
 * this script out of the way of a factor's own script.
 */
'use strict'
{
  const DONE_MILLISECONDS = 2000
  const ONCE_MILLISECONDS = 5000
  const all = (selector) => document.querySelectorAll(selector)

  focusOnError()
  all('[data-reveal]').forEach(offerReveal)
  // Only a secure context has a clipboard; elsewhere the button stays hidden.
  if (navigator.clipboard) all('[data-copy]').forEach(offerCopy)
  all('[data-print]').forEach(offerPrint)
  all('form').forEach(sendOnce)
  // When a person comes back from the next page, the form is as it was left, so it is released.
  window.addEventListener('pageshow', () => all('form').forEach(release))
  all('[data-countdown]').forEach(countDown)

  // The summary of an error has `autofocus`. Some browsers support that for fields only, so the script sets the
  // focus.
  function focusOnError() {
    const summary = document.querySelector('[role="alert"][tabindex="-1"]')
    if (summary && document.activeElement !== summary) summary.focus()
  }

  function offerReveal(button) {
    const field = document.getElementById(button.dataset.reveal)
    button.hidden = false
    const toggle = () => {
      const shown = field.type === 'text'
      field.type = shown ? 'password' : 'text'
      // The accessible name follows the text. A pressed state besides would say the opposite.
      const { other, otherLabel } = button.dataset
      button.dataset.other = button.textContent
      button.dataset.otherLabel = button.getAttribute('aria-label')
      button.textContent = other
      button.setAttribute('aria-label', otherLabel)
    }
    button.addEventListener('click', toggle)
    // The field is hidden again before it is sent, since browsers remember what was typed into text fields.
    field.form.addEventListener('submit', () => {
      if (field.type === 'text') toggle()
    })
  }

  function offerCopy(button) {
    const source = document.querySelector(button.dataset.copy)
    const live = document.createElement('span')
    live.className = 'sr'
    live.setAttribute('role', 'status')
    button.after(live)
    button.hidden = false
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(textOf(source, 'compact' in button.dataset))
      const before = button.textContent
      const label = button.getAttribute('aria-label')
      if (before === button.dataset.done) return
      button.textContent = live.textContent = button.dataset.done
      button.removeAttribute('aria-label')
      setTimeout(() => {
        button.textContent = before
        if (label) button.setAttribute('aria-label', label)
        live.textContent = ''
      }, DONE_MILLISECONDS)
    })
  }

  function textOf(element, compact) {
    if (compact) return element.textContent.replace(/\s/g, '')
    const lines = element.querySelectorAll('li')
    return Array.from(lines, (line) => line.textContent.trim()).join('\n')
  }

  function offerPrint(button) {
    button.hidden = false
    button.addEventListener('click', () => window.print())
  }

  // A double tap sends a form once. The lock lasts five seconds at most, so that a lost response does not lock the
  // form.
  function sendOnce(form) {
    form.addEventListener('submit', (event) => {
      if (form.dataset.sent) {
        event.preventDefault()
        return
      }
      form.dataset.sent = 'yes'
      setBusy(form, true)
      setTimeout(() => release(form), ONCE_MILLISECONDS)
    })
  }

  function release(form) {
    delete form.dataset.sent
    setBusy(form, false)
  }

  // The button gets `aria-disabled`, since a disabled button would lose the focus and its value would not be sent.
  function setBusy(form, busy) {
    for (const button of form.querySelectorAll('button:not([type="button"])')) {
      if (busy) button.setAttribute('aria-disabled', 'true')
      else button.removeAttribute('aria-disabled')
    }
  }

  function countDown(element) {
    const { countdown, template, about, over } = element.dataset
    const end = Date.now() + Number(countdown) * 1000
    element.setAttribute('role', 'timer')
    const next = document.querySelector('[data-after-countdown]')
    if (next) next.classList.add('quiet')
    const timer = setInterval(() => {
      const left = Math.ceil((end - Date.now()) / 1000)
      if (left > 0) {
        element.textContent = template.replace('%s', inWords(left, about))
        return
      }
      clearInterval(timer)
      element.setAttribute('role', 'status')
      element.textContent = over
      if (next) next.classList.remove('quiet')
    }, 1000)
  }

  // Words a duration in the same way as src/http/messages.ts.
  function inWords(seconds, about) {
    if (seconds < 120) return say(seconds, 'second')
    const long = seconds < 7200 ? say(seconds / 60, 'minute') : say(seconds / 3600, 'hour')
    return about.replace('%s', long)
  }

  function say(amount, unit) {
    const style = { style: 'unit', unit, unitDisplay: 'long' }
    return new Intl.NumberFormat(document.documentElement.lang, style).format(Math.ceil(amount))
  }
}
