// Vitest reporter: ends a run with one plain line that counts its tests, for whoever reads logs by machine.

export default class ClosingLine {
  onTestRunEnd(modules) {
    const states = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state));
    const count = (state) => states.filter((other) => other === state).length;
    const brokenFiles = modules.filter((module) => module.state() === "failed" && module.errors().length > 0).length;
    console.log(`\n${count("passed")} passed, ${count("failed") + brokenFiles} failed, ${count("skipped")} skipped`);
  }
}
