import type { Render } from '../../src/index.ts'
import type { Page } from '../support/http-client.ts'

/** The pages of an application that shows each model as JSON, with a form for its action and one to send a code. */
export const renderModels: Render = (page, model) => {
  const given = model as { action?: string; csrf?: string; delivery?: { sendAction: string } }
  const { action = '', csrf = '', delivery } = given
  const shown = JSON.stringify(model).replaceAll('<', '\\u003c')
  const token = `<input type="hidden" name="csrf" value="${csrf}">`
  const send =
    delivery === undefined
      ? ''
      : `<form method="post" action="${delivery.sendAction}">${token}<button>Send</button></form>`
  return (
    `<body data-page="${page}"><form method="post" action="${action}">` +
    `${token}<button>Go on</button></form>${send}` +
    `<script type="application/json">${shown}</script></body>`
  )
}

/** The model of a page that `renderModels` has rendered. */
export function modelOf(page: Page): Record<string, never> {
  const json = page.all('script[type="application/json"]')[0]?.textContent
  if (json === undefined) throw new Error(`No model is on this page: ${page.body}`)
  return JSON.parse(json) as Record<string, never>
}
