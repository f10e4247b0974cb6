const page = (name: string, title: string, body: string): string => `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>${title}</title></head>
  <body data-page="${name}"><h1>${title}</h1>${body}</body>
</html>`

export function loginPage(uid: string, error = ''): string {
  return page(
    'example-login',
    'Sign in to Acme',
    `<form method="post" action="/interaction/${encodeURIComponent(uid)}/login">
      <p role="alert">${error}</p>
      <p><label>Email <input name="email" type="email" autocomplete="username" required></label></p>
      <p><label>Password
        <input name="password" type="password" autocomplete="current-password" required></label></p>
      <button>Sign in</button>
    </form>`,
  )
}

export function consentPage(uid: string, app: unknown): string {
  const name = String(app).replaceAll(/[^\w .-]/g, '')
  return page(
    'example-consent',
    `${name} asks for your name and address`,
    `<form method="post" action="/interaction/${encodeURIComponent(uid)}/consent">
      <button>Allow</button>
    </form>`,
  )
}
