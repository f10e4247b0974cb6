/**
 * Each page works without this script. Parts that need it are `hidden` until it has run. The braces keep the names of
 * this script out of the way of a factor's own script.
 */
'use strict'
{
  const DONE_MILLISECONDS = 2000
  const SLOW_MILLISECONDS = 5000
  const LOST_MILLISECONDS = 30000
  const all = (selector) => document.querySelectorAll(selector)
  let working

  focusOnError()
  all('[data-reveal]').forEach(offerReveal)
  // Only a secure context has a clipboard; elsewhere the button stays hidden.
  if (navigator.clipboard) all('[data-copy]').forEach(offerCopy)
  all('[data-print]').forEach(offerPrint)
  all('form').forEach(sendOnce)
  all('a.button:not([download])').forEach(showFollowed)
  // When a person comes back from the next page, this one is as it was left, so it is released.
  window.addEventListener('pageshow', rest)
  all('[data-countdown]').forEach(countDown)
  all('[data-ends-in]').forEach(sayEnd)
  all('time[data-shown]').forEach(sayInZone)

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

  // A double tap sends a form once. The pressed button shows that it was pressed, after some seconds a sentence says
  // that it takes long, and in the end the form is released, so that a lost response does not lock it for ever.
  function sendOnce(form) {
    form.addEventListener('submit', (event) => {
      if (form.dataset.sent) {
        event.preventDefault()
        return
      }
      form.dataset.sent = 'yes'
      for (const button of submitters(form)) button.setAttribute('aria-disabled', 'true')
      work(event.submitter ?? submitters(form)[0])
      // A factor's own script may keep the form back.
      setTimeout(() => {
        if (event.defaultPrevented) rest()
      })
    })
  }

  // Some buttons of a form stand outside of it.
  function submitters(form) {
    return Array.from(form.elements).filter((element) => element.type === 'submit')
  }

  function showFollowed(link) {
    link.addEventListener('click', (event) => {
      const inThisTab = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
      if (inThisTab) work(link)
    })
  }

  // The region is there before its text, since a screen reader announces only a change.
  function work(pressed) {
    forget()
    pressed?.setAttribute('aria-busy', 'true')
    const main = document.querySelector('main') ?? document.body
    const { slow, noAnswer } = main.dataset
    const region = document.createElement('p')
    region.className = 'working'
    region.setAttribute('role', 'status')
    main.append(region)
    const after = (milliseconds, text, then) =>
      setTimeout(() => {
        region.textContent = text ?? ''
        then?.()
      }, milliseconds)
    const timers = [after(SLOW_MILLISECONDS, slow), after(LOST_MILLISECONDS, noAnswer, release)]
    working = { pressed, region, timers }
  }

  // The page is as if nothing had been pressed.
  function rest() {
    forget()
    release()
  }

  function forget() {
    if (!working) return
    working.timers.forEach(clearTimeout)
    working.region.remove()
    working.pressed?.removeAttribute('aria-busy')
    working = undefined
  }

  // Everything can be pressed again. The sentence stays.
  function release() {
    working?.pressed?.removeAttribute('aria-busy')
    for (const form of all('form')) {
      delete form.dataset.sent
      for (const button of submitters(form)) button.removeAttribute('aria-disabled')
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

  // Says the time of day in the person's own zone, which the server does not know.
  function sayEnd(element) {
    const end = new Date(Date.now() + Number(element.dataset.endsIn) * 1000)
    const style = { hour: 'numeric', minute: '2-digit' }
    const time = end.toLocaleTimeString(document.documentElement.lang, style)
    element.textContent = element.dataset.template.replace('%s', time)
  }

  // The server names UTC. The browser knows the person's own zone.
  function sayInZone(element) {
    const style = { dateStyle: 'long' }
    if (element.dataset.shown === 'moment') style.timeStyle = 'short'
    const date = new Date(element.dateTime)
    element.textContent = date.toLocaleString(document.documentElement.lang, style)
  }

  // Words a duration as src/http/messages.ts does, except that long ones are always "about": while the time runs, the word
  // would come and go with each minute.
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
