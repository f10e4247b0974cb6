/*
 * This script is on pages that are not of the passkey. The attributes of its element say why: `data-offer`, a passkey may be
 * offered after this page; `data-page-data`, the person's passkeys, of which the browser is told.
 */
'use strict'
{
  const { offer, pageData } = document.currentScript.dataset

  if (offer !== undefined) tellWhetherPossible()
  if (pageData) signal(JSON.parse(pageData))

  // Tells with the form whether this device can have a passkey. Without an answer none is offered.
  async function tellWhetherPossible() {
    const form = document.querySelector('main form')
    const isPossible = window.PublicKeyCredential?.isUserVerifyingPlatformAuthenticatorAvailable
    if (!form || !isPossible || !(await isPossible.call(window.PublicKeyCredential))) return
    const field = document.createElement('input')
    Object.assign(field, { type: 'hidden', name: 'offer', value: 'passkey' })
    form.append(field)
  }

  // The browser's store forgets the passkeys that were removed, and shows the name of today.
  async function signal({ rpId, name, users }) {
    const browser = window.PublicKeyCredential
    for (const { userId, ids } of users)
      try {
        await browser?.signalAllAcceptedCredentials?.({
          rpId,
          userId,
          allAcceptedCredentialIds: ids,
        })
        if (ids.length > 0)
          await browser?.signalCurrentUserDetails?.({ rpId, userId, name, displayName: name })
      } catch {
        // A browser may refuse: nothing here depends on it.
      }
  }
}
