/*
 * This script is on pages that are not of the passkey. The attributes of its element say why: `data-offer`, a passkey may be
 * offered after this page.
 */
'use strict'
{
  const { offer } = document.currentScript.dataset

  if (offer !== undefined) tellWhetherPossible()

  // Tells with the form whether this device can have a passkey. Without an answer none is offered.
  async function tellWhetherPossible() {
    const form = document.querySelector('main form')
    const isPossible = window.PublicKeyCredential?.isUserVerifyingPlatformAuthenticatorAvailable
    if (!form || !isPossible || !(await isPossible.call(window.PublicKeyCredential))) return
    const field = document.createElement('input')
    Object.assign(field, { type: 'hidden', name: 'offer', value: 'passkey' })
    form.append(field)
  }
}
