/** What stands around every page: the rooms, the way to find things, who is signed in. */
import {
  AppShell,
  Badge,
  Burger,
  Group,
  Kbd,
  Menu,
  NavLink,
  ScrollArea,
  UnstyledButton,
  useMantineColorScheme,
  VisuallyHidden,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { Link, useRouter, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, type ReactElement, type ReactNode } from "react";
import { useInbox } from "@/inbox/queries";
import { words } from "@/words";
import classes from "./frame.module.css";
import { Icon } from "./icons";
import { listen, useLive } from "./live";
import { roomsFor, type Room } from "./rooms";
import { signOut, useMay, useMe } from "./session";
import { palette, useSummons } from "./summons";

// Nobody needs these to see a page: they come right after it.
const Palette = lazy(() => import("./Palette").then((found) => ({ default: found.Palette })));
const SignInAgain = lazy(() => import("./SignInAgain").then((found) => ({ default: found.SignInAgain })));

export function Frame({ children }: { children: ReactNode }): ReactElement {
  const [open, { toggle, close }] = useDisclosure();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const rooms = roomsFor(useRouter().routesByPath, useMay());
  useListening();
  useSummons();
  useEffect(close, [path, close]);
  return (
    <AppShell
      header={{ height: 54 }}
      navbar={{ width: 212, breakpoint: "sm", collapsed: { mobile: !open } }}
      padding={{ base: "md", sm: "lg" }}
    >
      <a href="#page" className={classes.skip}>
        {words.skip}
      </a>
      <AppShell.Header className={classes.header}>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap" gap="sm">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={open} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={words.menu} />
            <Link to="/" className={classes.brand}>
              <img src="/icon.svg" width={26} height={26} alt="" />
              <span>{words.product}</span>
            </Link>
          </Group>
          <Group gap="md" wrap="nowrap">
            <Live />
            <Find />
            <You />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar className={classes.navbar} p="xs" aria-label={words.mainMenu}>
        <ScrollArea type="auto">
          {rooms.map((room) => (
            <Entry key={room.to} room={room} />
          ))}
        </ScrollArea>
      </AppShell.Navbar>
      <AppShell.Main id="page" tabIndex={-1}>
        {children}
      </AppShell.Main>
      <Suspense>
        <Palette rooms={rooms} />
        <SignInAgain />
      </Suspense>
    </AppShell>
  );
}

function useListening(): void {
  const queries = useQueryClient();
  const may = useMay()("gate:action:read");
  useEffect(() => {
    if (may) listen(queries);
  }, [may, queries]);
}

function Entry({ room }: { room: Room }): ReactElement {
  return (
    <NavLink
      className={classes.room}
      component={Link}
      to={room.to}
      activeOptions={{ exact: room.to === "/" }}
      label={room.name}
      leftSection={<Icon name={room.icon} />}
      rightSection={room.to === "/inbox" ? <Waiting /> : undefined}
    />
  );
}

function Waiting(): ReactElement | null {
  const count = useInbox().items.length;
  if (count === 0) return null;
  return (
    <Badge size="sm" circle={count < 10} variant="filled">
      {count >= 100 ? "99+" : count}
    </Badge>
  );
}

function Live(): ReactElement {
  const live = useLive();
  return (
    <span className={classes.live} data-live={live || undefined} title={live ? words.live.on_long : words.live.off}>
      <span className={classes.dot} />
      <span data-visible="sm">{live ? words.live.on : words.live.off.split(":")[0]}</span>
    </span>
  );
}

function Find(): ReactElement {
  return (
    <UnstyledButton className={classes.find} onClick={palette.open} aria-keyshortcuts="Control+K">
      <Icon name="search" size={16} />
      <VisuallyHidden hiddenFrom="sm">{words.find}</VisuallyHidden>
      <Group gap="xs" wrap="nowrap" visibleFrom="sm">
        <span>{words.find}</span>
        <Kbd size="xs">Ctrl K</Kbd>
      </Group>
    </UnstyledButton>
  );
}

function You(): ReactElement {
  const me = useMe();
  const queries = useQueryClient();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <UnstyledButton className={classes.find} aria-label={`${words.you}: ${me.display_name}`}>
          <Icon name="people" size={16} />
          <Group visibleFrom="sm">{me.display_name}</Group>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {me.display_name} · {[...me.access, ...me.roles].join(", ")}
        </Menu.Label>
        <Menu.Divider />
        <Menu.Label>{words.schemeLabel}</Menu.Label>
        {(["light", "dark", "auto"] as const).map((scheme) => (
          <Menu.Item
            key={scheme}
            onClick={() => setColorScheme(scheme)}
            rightSection={colorScheme === scheme ? <Icon name="check" size={14} /> : null}
          >
            {words.scheme[scheme]}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item onClick={() => void signOut(queries)}>{words.signOut}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
