/*
 * This script signs the challenge of the page with a key that the browser keeps. The script can use the key but cannot
 * read it. The counter grows with each signature, like the counter of a security key.
 */
'use strict'
;(async () => {
  const form = document.querySelector('form[data-challenge]')
  const database = await answerOf(openDatabase())
  const kept = (await answerOf(keysOf(database).get('mine'))) ?? {
    keys: await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']),
    handle: encode(crypto.getRandomValues(new Uint8Array(16))),
    counter: 0,
  }
  const counter = kept.counter + 1
  await answerOf(keysOf(database).put({ ...kept, counter }, 'mine'))

  const userVerified = false
  const signed = JSON.stringify([form.dataset.challenge, counter, userVerified])
  const { privateKey, publicKey } = kept.keys
  form.elements.credential.value = JSON.stringify({
    publicKey: encode(await crypto.subtle.exportKey('spki', publicKey)),
    handle: kept.handle,
    counter,
    userVerified,
    signature: encode(
      await crypto.subtle.sign('Ed25519', privateKey, new TextEncoder().encode(signed)),
    ),
  })
  form.querySelector('button').hidden = false

  function openDatabase() {
    const request = indexedDB.open('browser-key')
    request.onupgradeneeded = () => request.result.createObjectStore('keys')
    return request
  }

  function keysOf(opened) {
    return opened.transaction('keys', 'readwrite').objectStore('keys')
  }

  function answerOf(request) {
    return new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
  }

  /** Returns the bytes in base64url. */
  function encode(buffer) {
    const text = btoa(String.fromCharCode(...new Uint8Array(buffer)))
    return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  }
})()
