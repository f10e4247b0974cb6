import { globSync } from 'node:fs'
import { relative } from 'node:path'
import { performance } from 'node:perf_hooks'
import type {
  CoverageData,
  InstrumenterContext,
  MutantCoverage,
  StrykerOptions,
} from '@stryker-mutator/api/core'
import { commonTokens, declareClassPlugin, PluginKind, tokens } from '@stryker-mutator/api/plugin'
import {
  determineHitLimitReached,
  DryRunStatus,
  TestStatus,
  toMutantRunResult,
  type DryRunOptions,
  type DryRunResult,
  type MutantRunOptions,
  type MutantRunResult,
  type TestResult,
  type TestRunner,
} from '@stryker-mutator/api/test-runner'
import Mocha from 'mocha'

/*
 * A test runner for Stryker. Its own runner for mocha does not load with mocha 12. This one also knows which tests use
 * the work of a `before` hook, so that a mutant that only a hook reaches runs with those tests and not with all.
 */

/** The name under which Stryker's instrumenter keeps its state, unless it is told otherwise. */
const NAMESPACE = '__stryker__'
/** Marks what a hook of a suite covered, until it is given to each test of that suite. */
const SUITE = 'suite:'

class MochaRunner implements TestRunner {
  static inject = tokens(commonTokens.options)

  private readonly skipped: readonly string[]
  private readonly state: InstrumenterContext
  private readonly mocha = new Mocha({ timeout: 0, reporter: class {} as never })
  private loaded = false

  constructor(options: StrykerOptions) {
    const { spec, skip = [] } = options['mocha'] as { spec: string[]; skip?: string[] }
    this.skipped = skip
    const global = globalThis as unknown as Record<string, InstrumenterContext | undefined>
    this.state = global[NAMESPACE] ??= {}
    this.mocha.cleanReferencesAfterRun(false)
    for (const file of spec.flatMap((glob) => globSync(glob).sort())) this.mocha.addFile(file)
  }

  capabilities(): { reloadEnvironment: boolean } {
    // A module that was imported stays as it is. Stryker starts another process for a mutant at the top of a module.
    return { reloadEnvironment: false }
  }

  /** Runs the tests twice: those of a mutant run in a process in which they, and those of other mutants, ran before. */
  async dryRun({ disableBail, coverageAnalysis }: DryRunOptions): Promise<DryRunResult> {
    const first = await this.run(!disableBail, coverageAnalysis === 'perTest')
    if (first.status !== DryRunStatus.Complete || first.tests.some(isFailed)) return first
    const { mutantCoverage } = this.state
    const spread =
      mutantCoverage === undefined ? {} : { mutantCoverage: this.spread(mutantCoverage) }
    const second = await this.run(!disableBail, false)
    if (second.status !== DryRunStatus.Complete || second.tests.some(isFailed)) return second
    return { ...first, ...spread }
  }

  async mutantRun(options: MutantRunOptions): Promise<MutantRunResult> {
    const { activeMutant, testFilter, disableBail, hitLimit, mutantActivation } = options
    if (hitLimit === undefined) {
      delete this.state.hitLimit
      delete this.state.hitCount
    } else {
      this.state.hitLimit = hitLimit
      this.state.hitCount = 0
    }
    const wanted = testFilter?.map((id) => `^${RegExp.escape(id)}$`).join('|') ?? ''
    this.mocha.grep(new RegExp(wanted))
    if (!this.loaded && mutantActivation === 'static') this.state.activeMutant = activeMutant.id
    return toMutantRunResult(await this.run(!disableBail, false, activeMutant.id))
  }

  private async run(bail: boolean, perTest: boolean, activeMutant?: string): Promise<DryRunResult> {
    try {
      if (!this.loaded) await this.load()
      this.mocha.suite.eachTest((test) => delete (test as Partial<Mocha.Test>).state)
      for (const suite of suitesOf(this.mocha.suite)) suite.bail(bail)
      if (activeMutant === undefined) delete this.state.activeMutant
      else this.state.activeMutant = activeMutant
      const tests = await this.results(perTest)
      const exceeded = determineHitLimitReached(this.state.hitCount, this.state.hitLimit)
      return exceeded ?? { status: DryRunStatus.Complete, tests }
    } catch (error) {
      return { status: DryRunStatus.Error, errorMessage: String(error) }
    }
  }

  private async load(): Promise<void> {
    await this.mocha.loadFilesAsync()
    for (const suite of suitesOf(this.mocha.suite))
      suite.tests = suite.tests.filter(
        (test) => !this.skipped.some((text) => test.fullTitle().includes(text)),
      )
    this.loaded = true
  }

  private async results(perTest: boolean): Promise<TestResult[]> {
    const tests: TestResult[] = []
    let began = performance.now()
    const add = (test: Mocha.Runnable, error?: Error): void => {
      const common = {
        id: test.fullTitle(),
        name: test.fullTitle(),
        timeSpentMs: performance.now() - began,
        ...(test.file === undefined ? {} : { fileName: relative('.', test.file) }),
      }
      tests.push(
        error === undefined
          ? { ...common, status: TestStatus.Success }
          : { ...common, status: TestStatus.Failed, failureMessage: String(error) },
      )
    }
    await new Promise<void>((resolve) => {
      const runner = this.mocha.run(() => resolve())
      runner.on('test', () => (began = performance.now()))
      runner.on('pass', (test) => add(test))
      runner.on('fail', (test, error) => add(test, error as Error))
      if (!perTest) return
      runner.on('hook', (hook) => {
        const { currentTest } = hook.ctx ?? {}
        const ofSuite = /^"(before|after) all"/.test(hook.title)
        this.state.currentTestId =
          ofSuite || currentTest === undefined
            ? SUITE + (hook.parent?.fullTitle() ?? '')
            : currentTest.fullTitle()
      })
      runner.on('test', (test) => (this.state.currentTestId = test.fullTitle()))
    })
    delete this.state.currentTestId
    return tests
  }

  /** The coverage with that of each suite's hooks added to each of its tests. */
  private spread({ static: atLoad, perTest }: MutantCoverage): MutantCoverage {
    const spread: Record<string, CoverageData> = {}
    this.mocha.suite.eachTest((test) => {
      const ids = [test.fullTitle()]
      for (let suite = test.parent; suite !== undefined; suite = suite.parent)
        ids.push(SUITE + suite.fullTitle())
      const sums: CoverageData = {}
      for (const id of ids)
        for (const [mutant, hits] of Object.entries(perTest[id] ?? {}))
          sums[mutant] = (sums[mutant] ?? 0) + hits
      spread[test.fullTitle()] = sums
    })
    return { static: { ...atLoad }, perTest: spread }
  }
}

function isFailed({ status }: TestResult): boolean {
  return status === TestStatus.Failed
}

function suitesOf(suite: Mocha.Suite): Mocha.Suite[] {
  return [suite, ...suite.suites.flatMap(suitesOf)]
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'mocha', MochaRunner)]
