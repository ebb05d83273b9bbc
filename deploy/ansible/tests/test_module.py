"""Tests of the module's logic, over what worldsetup really writes: python3 test_module.py"""
import importlib.util
import json
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
FACES = ROOT / "cmd/worldsetup/testdata/faces"
SOURCE = ROOT / "deploy/ansible/roles/worldsetup/library/worldsetup.py"
spec = importlib.util.spec_from_file_location("module", SOURCE)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)


def params(**given):
    filled = {name: argument.get("default") for name, argument in module.ARGUMENTS.items()}
    filled.update(given)
    return filled


class Commands(unittest.TestCase):
    def test_present(self):
        self.assertEqual(
            module.command(params(project="/p", cpus=4, mount_home=False, replace=True, allow="restart"), False),
            ["worldsetup", "--json", "--non-interactive", "--vm=substrate", "--cpus=4", "--mount-home=no",
             "--replace=substrate", "--allow=restart", "--wait", "--", "/p"])

    def test_check_mode_changes_nothing(self):
        self.assertEqual(module.command(params(), True)[1:3], ["plan", "--json"])
        self.assertNotIn("--remove=substrate", module.command(params(state="absent"), True))
        self.assertIn("--remove=substrate", module.command(params(state="absent"), False))


class Results(unittest.TestCase):
    def judge(self, state, check, code, out):
        return module.judge(params(state=state), check, code, out, "some error")

    def test_first_run(self):
        result = self.judge("present", False, 0, (FACES / "first-run.json.golden").read_text())
        self.assertTrue(result["changed"] and result["ready"] and not result.get("failed"), result)
        self.assertEqual(result["steps"], ["create the VM", "start the VM"])

    def test_failing_run(self):
        result = self.judge("present", False, 5, (FACES / "failing.json.golden").read_text())
        self.assertTrue(result["failed"] and result["changed"], result)
        self.assertEqual(result["kind"], "provisioning")
        self.assertIn("next: ", result["msg"])

    def test_healthy(self):
        line = json.dumps(dict(schema=2, type="finished", result=dict(ready=True, changed=False, steps=0)))
        result = self.judge("present", False, 0, line)
        self.assertTrue(result["ready"] and not result["changed"] and "failed" not in result)

    def test_plan(self):
        step = dict(id="agent", title="install the agent", reason="it is missing")
        result = self.judge("present", True, 0, json.dumps(dict(schema=2, vm="substrate", steps=[step])))
        self.assertTrue(result["changed"] and not result["ready"])
        self.assertIn("it is missing", result["diff"]["after"])
        result = self.judge("present", True, 0, json.dumps(dict(schema=2, vm="substrate", steps=[])))
        self.assertTrue(result["ready"] and not result["changed"])
        result = self.judge("present", True, 0, json.dumps(dict(schema=2, steps=[], replace=["its disk is larger"])))
        self.assertEqual((result["failed"], result["kind"]), (True, "replacement"))

    def test_verified(self):
        item = dict(id="agent", title="agent", outcome="error", found="missing")
        health = dict(schema=2, vm="x", ready=False, items=[item], access=[])
        result = self.judge("verified", False, 6, json.dumps(health))
        self.assertIn("agent: missing", result["msg"])
        health.update(ready=True, items=[])
        self.assertNotIn("failed", self.judge("verified", False, 0, json.dumps(health)))

    def test_absent(self):
        error = dict(kind="replacement", what="the VM would be deleted")
        ended = json.dumps(dict(type="finished", result=dict(ready=False, changed=False, error=error)))
        result = self.judge("absent", True, 4, ended)
        self.assertTrue(result["changed"] and "failed" not in result)
        ended = json.dumps(dict(type="finished", result=dict(ready=False, changed=False)))
        self.assertFalse(self.judge("absent", True, 0, ended)["changed"])

    def test_no_json(self):
        result = self.judge("present", False, 127, "")
        self.assertIn("some error", result["msg"])


if __name__ == "__main__":
    unittest.main()
