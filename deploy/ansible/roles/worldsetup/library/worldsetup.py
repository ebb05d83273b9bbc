#!/usr/bin/python
"""The Ansible module worldsetup: sets up, repairs, verifies or removes a world in a Lima VM.

What was changed, and what failed, is what worldsetup itself reports with --json. Check mode runs `worldsetup plan`,
which changes nothing.
"""
import json

DOCUMENTATION = r"""
module: worldsetup
short_description: Set up, repair, verify or remove a Substrate world in a Lima VM
description:
  - Runs worldsetup, as the user that Ansible connects as or becomes. Lima refuses to run as root.
  - A healthy world is left as it is, and reported as not changed.
options:
  state:
    description:
      - C(present) sets the world up or repairs it, C(verified) fails unless it is ready, and C(absent) deletes it.
    choices: [present, verified, absent]
    default: present
  project: {description: The directory that is mounted at /src., type: path}
  vm: {description: The name of the VM., default: substrate}
  agent: {description: "A file, C(builtin) or C(build).", type: str}
  cpus: {type: int, description: The number of CPUs.}
  memory: {type: str, description: "Such as 8GiB."}
  disk: {type: str, description: "Such as 40GiB."}
  mount_home: {type: bool, description: Whether the home directory is mounted.}
  allow:
    description: The deepest interruption that a run may cause.
    choices: [live, unit, connection, restart, force]
  replace: {type: bool, default: false, description: Consent to a replacement of the VM.}
  wait: {type: bool, default: true, description: Wait for another run on the same VM.}
  timeout: {type: str, description: "The longest time of a run, such as 45m."}
  executable: {type: path, default: worldsetup, description: The program.}
attributes:
  check_mode: {support: full}
  diff_mode: {support: full}
"""

EXAMPLES = r"""
- name: Set up the world
  worldsetup:
    project: "{{ ansible_env.HOME }}/src/project"
    agent: builtin
    cpus: 4
"""

RETURN = r"""
steps: {description: The steps that were done or, in check mode, would be., returned: always, type: list}
ready: {description: Whether the world was verified., returned: always, type: bool}
kind: {description: The kind of the failure, returned: on failure, type: str}
"""

ARGUMENTS = dict(
    state=dict(choices=["present", "verified", "absent"], default="present"),
    project=dict(type="path"),
    vm=dict(default="substrate"),
    agent=dict(),
    cpus=dict(type="int"),
    memory=dict(),
    disk=dict(),
    mount_home=dict(type="bool"),
    allow=dict(choices=["live", "unit", "connection", "restart", "force"]),
    replace=dict(type="bool", default=False),
    wait=dict(type="bool", default=True),
    timeout=dict(),
    executable=dict(type="path", default="worldsetup"),
)


def command(params, check_mode):
    """Returns the command for what is asked."""
    state, vm = params["state"], params["vm"]
    words = [params["executable"]]
    if state == "absent":
        # In check mode there is no consent: worldsetup refuses, and shows what it would delete.
        words += ["remove", "--json", "--non-interactive", "--vm=" + vm]
        return words if check_mode else words + ["--remove=" + vm]
    if state == "verified":
        words += ["status", "--json"]
    elif check_mode:
        words += ["plan", "--json"]
    else:
        words += ["--json", "--non-interactive"]
    words.append("--vm=" + vm)
    for name in ("agent", "cpus", "memory", "disk", "timeout"):
        if params.get(name) is not None:
            words.append("--%s=%s" % (name, params[name]))
    if params.get("mount_home") is not None:
        words.append("--mount-home=" + ("yes" if params["mount_home"] else "no"))
    if state == "present":
        if params.get("replace"):
            words.append("--replace=" + vm)
        if params.get("allow") and not check_mode:
            words.append("--allow=" + params["allow"])
        if params.get("wait") and not check_mode:
            words.append("--wait")
    if params.get("project"):
        words += ["--", params["project"]]
    return words


def objects(text):
    """Returns the JSON objects of an output, a line each."""
    found = []
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                found.append(json.loads(line))
            except ValueError:
                pass
    return found


def failure(error, result):
    """Completes a result that has failed."""
    parts = [error.get("what"), error.get("why"), error.get("next") and "next: " + error["next"]]
    result.update(failed=True, kind=error.get("kind", ""), msg="\n".join(part for part in parts if part))
    return result


def judge(params, check_mode, code, out, err):
    """Returns Ansible's result for what worldsetup wrote."""
    result = dict(changed=False, ready=False, steps=[], rc=code)
    lines = objects(out)
    last = lines[-1] if lines else {}
    error = (last.get("result") or {}).get("error") or last.get("error")
    if not last:
        return failure(dict(what="worldsetup wrote no JSON", why=err.strip()[-2000:]), result)
    if params["state"] == "verified" and "items" in last:
        result["ready"] = last.get("ready", False)
        if not result["ready"]:
            wrong = [i for i in last["items"] + last["access"] if i.get("outcome") in ("error", "unknown")]
            why = "\n".join("%s: %s" % (i.get("title"), i.get("found")) for i in wrong)
            failure(dict(kind="unhealthy", what="the world is not ready", why=why, next="state: present repairs it"), result)
        return result
    if check_mode and params["state"] == "present":
        steps = last.get("steps", [])
        result.update(steps=[step["title"] for step in steps], ready=code == 0 and not steps and not last.get("replace"))
        result["changed"] = bool(steps)
        result["diff"] = dict(before="", after="".join("%s: %s\n" % (s["title"], s["reason"]) for s in steps))
        if last.get("replace") and not steps:
            return failure(dict(kind="replacement", what="the VM would have to be replaced", why="; ".join(last["replace"]),
                                next="replace: true consents to it"), result)
        error = error or last.get("blocked")
        return failure(error, result) if error else result
    if check_mode:
        # remove without consent: exit code 4 when there is something to delete.
        if error and error.get("kind") != "replacement":
            return failure(error, result)
        result.update(changed=bool(error), steps=["delete the VM " + params["vm"]] if error else [])
        return result
    ended = last.get("result") or {}
    result["steps"] = [e["step"]["title"] for e in lines
                       if e.get("type") == "step" and e.get("step", {}).get("state") == "done"]
    result.update(changed=ended.get("changed", False), ready=ended.get("ready", False))
    if error or code != 0:
        return failure(error or dict(what="worldsetup ended with %d" % code, why=err.strip()[-2000:]), result)
    return result


def main():
    from ansible.module_utils.basic import AnsibleModule

    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    code, out, err = module.run_command(command(module.params, module.check_mode))
    result = judge(module.params, module.check_mode, code, out, err)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
