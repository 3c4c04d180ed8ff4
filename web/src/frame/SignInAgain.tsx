/** Covers the page when the session has ended. The page below stays as it was, drafts and all. */
import { Button, Modal, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent, type ReactElement } from "react";
import { answered, client } from "@/api/client";
import { Problem } from "@/kit/Problem";
import { words } from "@/words";
import { resume, useExpired, useMe } from "./session";

export function SignInAgain(): ReactElement {
  return (
    <Modal opened={useExpired()} onClose={() => undefined} withCloseButton={false} title={words.expired.title} centered>
      <Form />
    </Modal>
  );
}

function Form(): ReactElement {
  const queries = useQueryClient();
  const [name, setName] = useState(useMe().name);
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState<unknown>();
  const send = async (event: FormEvent) => {
    event.preventDefault();
    try {
      await answered(client.POST("/api/session", { body: { name, password } }));
      await resume(queries);
    } catch (error) {
      setProblem(error);
    }
  };
  return (
    <form onSubmit={(event) => void send(event)}>
      <Stack>
        <Text size="sm">{words.expired.about}</Text>
        {problem !== undefined && <Problem error={problem} />}
        <TextInput
          label={words.expired.name}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          autoComplete="username"
          required
        />
        <PasswordInput
          label={words.expired.password}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          autoComplete="current-password"
          required
          data-autofocus
        />
        <Button type="submit">{words.expired.go}</Button>
        <Providers />
      </Stack>
    </form>
  );
}

function Providers(): ReactElement {
  const found = useQuery({
    queryKey: ["sign-on"],
    queryFn: () => answered(client.GET("/api/sign-on")),
    meta: { open: true },
  });
  const next = encodeURIComponent(location.pathname + location.search);
  return (
    <>
      {found.data?.providers.map((one) => (
        <Button
          key={one.name}
          component="a"
          variant="default"
          href={`/sign-on/with/${encodeURIComponent(one.name)}?next=${next}`}
        >
          {words.expired.by(one.label)}
        </Button>
      ))}
    </>
  );
}
