import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { requireBrowser } from './requirements.ts'

/** The folder for pictures of pages, which git ignores. */
export const SCREENSHOTS = fileURLToPath(new URL('../../screenshots/', import.meta.url))

/** Flags that stop Chromium from making its own look-ups and updates and from showing first-run pages. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Starts Chromium from a `before` hook. If it is not installed, skips the suite, or fails with REQUIRE_BROWSER=1. */
export function launchBrowser(context: Mocha.Context): Promise<Browser> {
  return chromium.launch({ executablePath: requireBrowser(context), args: FLAGS, headless: true })
}

export interface PersonOptions {
  readonly javaScript?: boolean
  readonly colorScheme?: 'light' | 'dark'
  readonly viewport?: { readonly width: number; readonly height: number }
  /** The person uses a finger: the browser has a coarse pointer. */
  readonly touch?: boolean
  /** The language that the browser asks for (BCP 47). Default: British English. */
  readonly language?: string
}

export const DESKTOP = { width: 1280, height: 800 }
export const PHONE = { width: 320, height: 640 }

/** A browser context for one person, without cookies and history. The caller must close the context. */
export async function newPerson(
  browser: Browser,
  options: PersonOptions = {},
): Promise<{ context: BrowserContext; page: Page }> {
  const context = await browser.newContext({
    javaScriptEnabled: options.javaScript ?? true,
    colorScheme: options.colorScheme ?? 'light',
    viewport: options.viewport ?? DESKTOP,
    locale: options.language ?? 'en-GB',
    hasTouch: options.touch ?? false,
    isMobile: options.touch ?? false,
    // Without reduced motion, axe could measure a colour in the middle of a transition.
    reducedMotion: 'reduce',
  })
  // A page that makes ten backup codes is slow where the processors are busy with other tests.
  context.setDefaultTimeout(30_000)
  return { context, page: await context.newPage() }
}

/** The page's stable name: `body[data-page]`. */
export async function pageName(page: Page): Promise<string | null> {
  return page.locator('body').getAttribute('data-page')
}

/** Saves a picture of the whole page as `screenshots/<name>.png`; returns its path. */
export async function screenshot(page: Page, name: string): Promise<string> {
  const path = `${SCREENSHOTS}${name}.png`
  await page.screenshot({ path, fullPage: true })
  return path
}

/** Saves pictures at 320 and 1280 px, light and dark, as `<name>-<width>-<scheme>.png`, then restores the page. */
export async function screenshots(page: Page, name: string): Promise<void> {
  const before = page.viewportSize() ?? DESKTOP
  for (const viewport of [PHONE, DESKTOP]) {
    await page.setViewportSize(viewport)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await screenshot(page, `${name}-${viewport.width}-${colorScheme}`)
    }
  }
  await page.emulateMedia({ colorScheme: null })
  await page.setViewportSize(before)
}

const AXE = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8')

/**
 * The findings of axe in the light and the dark scheme, as readable lines. axe checks its rules for WCAG 2.0 to 2.2 A
 * and AA and its best practices. The page must allow JavaScript; its CSP stays in force.
 */
export async function axeFindings(page: Page): Promise<string[]> {
  const findings: string[] = []
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await page.evaluate(AXE)
    const violations = await page.evaluate<Violation[]>(
      // axe checks `target-size` (WCAG 2.2) only if the rule is enabled.
      "axe.run({ rules: { 'target-size': { enabled: true } } }).then((result) => result.violations.map(({ id, help, nodes }) => ({ id, help, targets: nodes.map((node) => node.target.join(' ')) })))",
    )
    for (const { id, help, targets } of violations)
      findings.push(`${colorScheme}: ${id} (${help}) at ${targets.join(', ')}`)
  }
  await page.emulateMedia({ colorScheme: null })
  return findings
}

interface Violation {
  readonly id: string
  readonly help: string
  readonly targets: readonly string[]
}
